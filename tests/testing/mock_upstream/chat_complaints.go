package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// number is the member if it is one.
func (o jsonObject) number(key string) (float64, bool) {
	var n float64
	return n, o.has(key) && json.Unmarshal(o[key], &n) == nil
}

// rangeComplaint checks numbers by their least and greatest values.
func rangeComplaint(body jsonObject, ranges map[string][2]float64) complaint {
	for name, limits := range ranges {
		if !body.has(name) {
			continue
		}
		n, ok := body.number(name)
		if !ok {
			return invalidType(name, "a number")
		}
		if n < limits[0] || n > limits[1] {
			return badRequest("Invalid '%s': expected a value between %g "+
				"and %g, but got %g instead.", name, limits[0], limits[1],
				n).with("invalid_value", name)
		}
	}
	return complaint{}
}

var chatRanges = map[string][2]float64{"temperature": {0, 2},
	"top_p": {0, 1}, "n": {1, 128}, "frequency_penalty": {-2, 2},
	"presence_penalty": {-2, 2}, "top_logprobs": {0, 20},
	"max_tokens": {1, 1e9}, "max_completion_tokens": {1, 1e9}}

// chatComplaint checks a body of chat completions.
func chatComplaint(to target, body jsonObject) complaint {
	for _, check := range []func(target, jsonObject) complaint{
		chatMessagesComplaint, chatToolsComplaint, chatFormatComplaint,
		mannerComplaint} {
		if bad := check(to, body); bad.status != 0 {
			return bad
		}
	}
	var stops []string
	switch {
	case body.has("stream_options") && string(body["stream"]) != "true":
		return badRequest("The 'stream_options' parameter is only allowed "+
			"when 'stream' is enabled.").with("", "stream_options")
	case body.has("top_logprobs") && string(body["logprobs"]) != "true":
		return badRequest("The 'top_logprobs' parameter is only allowed "+
			"when 'logprobs' is enabled.").with("", "top_logprobs")
	case json.Unmarshal(body["stop"], &stops) == nil && len(stops) > 4 &&
		to.vendor != vendorDeepSeek:
		return badRequest("Invalid 'stop': array too long. Expected an "+
			"array with maximum length 4.").with("array_above_max_length",
			"stop")
	}
	return rangeComplaint(body, chatRanges)
}

// openCalls are the calls of the last assistant's message that no tool has
// answered yet, in order.
type openCalls []string

func (o *openCalls) answer(id string) bool {
	for i, open := range *o {
		if open == id {
			*o = append((*o)[:i:i], (*o)[i+1:]...)
			return true
		}
	}
	return false
}

func chatMessagesComplaint(to target, body jsonObject) complaint {
	messages, ok := body.list("messages")
	if !ok {
		return invalidType("messages", "an array of objects")
	}
	var open openCalls
	for i, message := range messages {
		at := fmt.Sprintf("messages[%d]", i)
		role, _ := message.text("role")
		if len(open) > 0 && role != "tool" {
			return unanswered(open)
		}
		if bad := chatMessageComplaint(to, message, role, at); bad.status !=
			0 {
			return bad
		}
		if role == "tool" {
			id, _ := message.text("tool_call_id")
			if !open.answer(id) {
				return badRequest("Invalid parameter: messages with role "+
					"'tool' must be a response to a preceeding message with "+
					"'tool_calls'.").with("", at+".role")
			}
		}
		calls, _ := message.list("tool_calls")
		for _, call := range calls {
			id, _ := call.text("id")
			open = append(open, id)
		}
	}
	if len(open) > 0 {
		return unanswered(open)
	}
	return complaint{}
}

func unanswered(open openCalls) complaint {
	return badRequest("An assistant message with 'tool_calls' must be "+
		"followed by tool messages responding to each 'tool_call_id'. The "+
		"following tool_call_ids did not have response messages: %s",
		strings.Join(open, ", ")).with("", "messages")
}

var (
	chatRoles = []string{"system", "assistant", "user", "function", "tool",
		"developer"}
	chatParts = map[string][]string{
		"user":      {"text", "image_url", "input_audio", "file"},
		"assistant": {"text", "refusal"}}
)

func chatMessageComplaint(to target, message jsonObject, role,
	at string) complaint {
	if !contains(chatRoles, role) {
		return invalidValue(at+".role", role, chatRoles)
	}
	if bad := chatCallsComplaint(message, at); bad.status != 0 {
		return bad
	}
	if _, ok := message.text("tool_call_id"); role == "tool" && !ok {
		return missing(at + ".tool_call_id")
	}
	if _, ok := message.text("content"); ok {
		return complaint{}
	}
	if !message.has("content") {
		if role == "assistant" && (message.has("tool_calls") ||
			message.has("function_call") || message.has("refusal") ||
			message.has("audio")) {
			return complaint{}
		}
		return badRequest("Invalid value for 'content': expected a string, "+
			"got null.").with("", at+".content")
	}
	parts, ok := message.list("content")
	if !ok {
		return invalidType(at+".content", "a string or an array of objects")
	}
	kinds := chatParts[role]
	if kinds == nil {
		kinds = []string{"text"}
	}
	for i, part := range parts {
		if bad := chatPartComplaint(part, kinds,
			fmt.Sprintf("%s.content[%d]", at, i)); bad.status != 0 {
			return bad
		}
	}
	return complaint{}
}

func chatPartComplaint(part jsonObject, kinds []string,
	at string) complaint {
	kind, _ := part.text("type")
	if !contains(kinds, kind) {
		return invalidValue(at+".type", kind, kinds)
	}
	if kind == "text" || kind == "refusal" {
		if _, ok := part.text(kind); !ok {
			return missing(at + "." + kind)
		}
		return complaint{}
	}
	data := part.object(kind)
	if data == nil {
		return invalidType(at+"."+kind, "an object")
	}
	wanted := map[string]string{"image_url": "url", "input_audio": "data"}
	if name := wanted[kind]; name != "" {
		if _, ok := data.text(name); !ok {
			return missing(at + "." + kind + "." + name)
		}
	}
	return complaint{}
}

func chatCallsComplaint(message jsonObject, at string) complaint {
	if !message.has("tool_calls") {
		return complaint{}
	}
	at += ".tool_calls"
	calls, ok := message.list("tool_calls")
	if !ok {
		return invalidType(at, "an array of objects")
	}
	if len(calls) == 0 {
		return badRequest("Invalid '%s': empty array. Expected an array "+
			"with minimum length 1, but got an empty array instead.",
			at).with("empty_array", at)
	}
	for i, call := range calls {
		place := fmt.Sprintf("%s[%d]", at, i)
		if _, ok := call.text("id"); !ok {
			return missing(place + ".id")
		}
		kind, _ := call.text("type")
		names := map[string][]string{"function": {"name", "arguments"},
			"custom": {"name", "input"}}[kind]
		if names == nil {
			return invalidValue(place+".type", kind,
				[]string{"function", "custom"})
		}
		for _, name := range names {
			if _, ok := call.object(kind).text(name); !ok {
				return invalidType(place+"."+kind+"."+name, "a string")
			}
		}
	}
	return complaint{}
}

func chatToolsComplaint(_ target, body jsonObject) complaint {
	tools, ok := body.list("tools")
	switch {
	case body.has("tools") && !ok:
		return invalidType("tools", "an array of objects")
	case body.has("tools") && len(tools) == 0:
		return badRequest("Invalid 'tools': empty array. Expected an array "+
			"with minimum length 1, but got an empty array instead.").with(
			"empty_array", "tools")
	}
	for _, name := range []string{"tool_choice", "parallel_tool_calls"} {
		if len(tools) == 0 && body.has(name) {
			return badRequest("'%s' is only allowed when 'tools' are "+
				"specified.", name).with("", name)
		}
	}
	for i, tool := range tools {
		kind, _ := tool.text("type")
		at := fmt.Sprintf("tools[%d].%s", i, kind)
		if kind != "function" && kind != "custom" {
			return invalidValue(fmt.Sprintf("tools[%d].type", i), kind,
				[]string{"function", "custom"})
		}
		name, ok := tool.object(kind).text("name")
		if !ok {
			return missing(at + ".name")
		}
		if !functionName.MatchString(name) {
			return badRequest("Invalid '%s.name': string does not match "+
				"pattern. Expected a string that matches the pattern "+
				"'^[a-zA-Z0-9_-]+$'.", at).with("invalid_value", at+".name")
		}
	}
	return complaint{}
}

func chatFormatComplaint(_ target, body jsonObject) complaint {
	format := body.object("response_format")
	if format == nil {
		return complaint{}
	}
	kinds := []string{"json_object", "json_schema", "text"}
	kind, _ := format.text("type")
	if !contains(kinds, kind) {
		return invalidValue("response_format.type", kind, kinds)
	}
	if _, ok := format.object("json_schema").text("name"); kind ==
		"json_schema" && !ok {
		return missing("response_format.json_schema.name")
	}
	return complaint{}
}

// What Azure's dated versions do not know yet.
var newerThanAzure = []string{"reasoning_effort", "verbosity", "store",
	"metadata", "modalities", "prediction", "service_tier",
	"web_search_options"}

// What OpenRouter's `provider` may hold; it takes no other.
var routerPreferences = []string{"order", "only", "ignore",
	"allow_fallbacks", "require_parameters", "data_collection", "zdr",
	"quantizations", "sort", "max_price", "preferred_min_throughput",
	"preferred_max_latency", "enforce_distillable_text"}

// mannerComplaint is of those who speak OpenAI's format in their own manner.
func mannerComplaint(to target, body jsonObject) complaint {
	switch to.vendor {
	case vendorAzure:
		for _, name := range newerThanAzure {
			if to.model != "" && body[name] != nil {
				return badRequest("Unrecognized request argument supplied: "+
					"%s", name)
			}
		}
	case vendorOpenRouter:
		for name := range body.object("provider") {
			if !contains(routerPreferences, name) {
				return badRequest("provider: Unrecognized key: \"%s\"", name)
			}
		}
	case vendorDeepSeek:
		return deepSeekComplaint(body)
	}
	return complaint{}
}

func deepSeekComplaint(body jsonObject) complaint {
	if kind, _ := body.object("response_format").text("type"); kind ==
		"json_schema" {
		return badRequest("This response_format type is unavailable now")
	}
	thinking, _ := body.object("thinking").text("type")
	messages, _ := body.list("messages")
	for _, message := range messages {
		if role, _ := message.text("role"); role == "developer" {
			return badRequest("unknown variant `developer`, expected one of " +
				"`system`, `user`, `assistant`, `tool`")
		}
		if thinking != "disabled" && message.has("tool_calls") &&
			!message.has("reasoning_content") {
			return badRequest("The `reasoning_content` in the thinking mode " +
				"must be passed back to the API.")
		}
	}
	return complaint{}
}
