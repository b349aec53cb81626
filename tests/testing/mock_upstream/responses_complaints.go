package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

func missing(param string) complaint {
	return badRequest("Missing required parameter: '%s'.", param).with(
		"missing_required_parameter", param)
}

func invalidType(param, wanted string) complaint {
	return badRequest("Invalid type for '%s': expected %s.", param,
		wanted).with("invalid_type", param)
}

func invalidValue(param, value string, supported []string) complaint {
	return badRequest("Invalid value: '%s'. Supported values are: '%s'.",
		value, strings.Join(supported, "', '")).with("invalid_value", param)
}

// responsesComplaint checks a body of the Responses API.
func responsesComplaint(body jsonObject) complaint {
	if body["messages"] != nil {
		return badRequest("Unsupported parameter: 'messages'. In the "+
			"Responses API, this parameter has moved to 'input'.").with(
			"unsupported_parameter", "messages")
	}
	if bad := foreignComplaint(target{op: opOpenAIResponses},
		body); bad.status != 0 {
		return bad
	}
	if body.has("max_output_tokens") {
		n, err := strconv.Atoi(string(body["max_output_tokens"]))
		if err != nil || n < 16 {
			return badRequest("Invalid 'max_output_tokens': integer below "+
				"minimum value. Expected a value >= 16.").with(
				"integer_below_min_value", "max_output_tokens")
		}
	}
	for _, check := range []func(jsonObject) complaint{previousComplaint,
		inputComplaint, responseToolsComplaint, textComplaint} {
		if bad := check(body); bad.status != 0 {
			return bad
		}
	}
	return complaint{}
}

func previousComplaint(body jsonObject) complaint {
	if !body.has("previous_response_id") {
		return complaint{}
	}
	id, ok := body.text("previous_response_id")
	if !ok {
		return invalidType("previous_response_id", "a string")
	}
	if !responseKnown(id) {
		return badRequest("Previous response with id '%s' not found.",
			id).with("previous_response_not_found", "previous_response_id")
	}
	return complaint{}
}

// inputComplaint checks each item, and that outputs of functions follow
// their calls.
func inputComplaint(body jsonObject) complaint {
	if !body.has("input") {
		if body.has("previous_response_id") || body.has("prompt") ||
			body.has("conversation") {
			return complaint{}
		}
		return badRequest("One of \"input\" or \"previous_response_id\" or "+
			"'prompt' or 'conversation' must be provided.").with(
			"missing_required_parameter", "input")
	}
	if _, ok := body.text("input"); ok {
		return complaint{}
	}
	items, ok := body.list("input")
	if !ok {
		return invalidType("input", "a string or a list of objects")
	}
	calls := map[string]bool{}
	for i, item := range items {
		at := fmt.Sprintf("input[%d]", i)
		if bad := itemComplaint(item, at); bad.status != 0 {
			return bad
		}
		kind, _ := item.text("type")
		id, _ := item.text("call_id")
		switch kind {
		case "function_call", "custom_tool_call":
			calls[id] = true
		case "function_call_output", "custom_tool_call_output":
			if !calls[id] && !body.has("previous_response_id") &&
				!body.has("conversation") {
				return badRequest("No tool call found for function call "+
					"output with call_id %s.", id).with("", "input")
			}
		}
	}
	return complaint{}
}

// Strings that an item of each type must have.
var itemFields = map[string][]string{
	"function_call":           {"call_id", "name", "arguments"},
	"function_call_output":    {"call_id"},
	"custom_tool_call":        {"call_id", "name", "input"},
	"custom_tool_call_output": {"call_id"},
	"item_reference":          {"id"},
	"reasoning":               {"id"},
	"compaction":              {"encrypted_content"},
}

// Of other items the type alone is looked at.
var otherItems = []string{"message", "computer_call", "computer_call_output",
	"file_search_call", "web_search_call", "code_interpreter_call",
	"image_generation_call", "local_shell_call", "local_shell_call_output",
	"shell_call", "shell_call_output", "apply_patch_call",
	"apply_patch_call_output", "mcp_call", "mcp_list_tools",
	"mcp_approval_request", "mcp_approval_response", "compaction_trigger",
	"tool_search_call", "tool_search_output", "additional_tools", "program",
	"program_output"}

func itemComplaint(item jsonObject, at string) complaint {
	kind, ok := item.text("type")
	if !ok && item.has("role") {
		kind = "message"
	}
	if kind == "message" {
		return messageComplaint(item, at)
	}
	fields, known := itemFields[kind]
	if !known && !contains(otherItems, kind) {
		return invalidValue(at, kind, otherItems)
	}
	for _, name := range fields {
		if !item.has(name) {
			return missing(at + "." + name)
		}
		if _, ok := item.text(name); !ok {
			return invalidType(at+"."+name, "a string")
		}
	}
	if strings.HasSuffix(kind, "call_output") && !item.has("output") {
		return missing(at + ".output")
	}
	if _, ok := item.list("summary"); kind == "reasoning" && !ok {
		return missing(at + ".summary")
	}
	return complaint{}
}

var (
	inputRoles  = []string{"assistant", "system", "developer", "user"}
	inputParts  = []string{"input_text", "input_image", "input_file"}
	outputParts = []string{"output_text", "refusal"}
	partFields  = map[string]string{"input_text": "text",
		"output_text": "text", "refusal": "refusal"}
)

func messageComplaint(item jsonObject, at string) complaint {
	role, _ := item.text("role")
	if !contains(inputRoles, role) {
		return invalidValue(at+".role", role, inputRoles)
	}
	if !item.has("content") {
		return missing(at + ".content")
	}
	if _, ok := item.text("content"); ok {
		return complaint{}
	}
	parts, ok := item.list("content")
	if !ok {
		return invalidType(at+".content", "a string or a list of objects")
	}
	kinds := inputParts
	if role == "assistant" {
		kinds = outputParts
	}
	for i, part := range parts {
		place := fmt.Sprintf("%s.content[%d]", at, i)
		kind, _ := part.text("type")
		if !contains(kinds, kind) {
			return invalidValue(place, kind, kinds)
		}
		if name := partFields[kind]; name != "" {
			if _, ok := part.text(name); !ok {
				return missing(place + "." + name)
			}
		}
		if bad := fileComplaint(kind, part, place); bad.status != 0 {
			return bad
		}
	}
	return complaint{}
}

func fileComplaint(kind string, part jsonObject, place string) complaint {
	switch kind {
	case "input_image":
		if _, ok := part.text("image_url"); part.has("image_url") && !ok {
			return invalidType(place+".image_url", "an image URL")
		}
		if !part.has("image_url") && !part.has("file_id") {
			return missing(place + ".image_url")
		}
	case "input_file":
		if !part.has("file_id") && !part.has("file_data") &&
			!part.has("file_url") {
			return missing(place + ".file_id")
		}
	}
	return complaint{}
}

// responseToolsComplaint wants functions flat, not nested as in chats.
func responseToolsComplaint(body jsonObject) complaint {
	if !body.has("tools") {
		return complaint{}
	}
	tools, ok := body.list("tools")
	if !ok {
		return invalidType("tools", "a list of objects")
	}
	for i, tool := range tools {
		at := fmt.Sprintf("tools[%d]", i)
		kind, _ := tool.text("type")
		if kind == "" {
			return missing(at + ".type")
		}
		if kind == "function" || kind == "custom" {
			if _, ok := tool.text("name"); !ok {
				return missing(at + ".name")
			}
		}
	}
	choice := body.object("tool_choice")
	if kind, _ := choice.text("type"); kind == "function" &&
		!choice.has("name") {
		return missing("tool_choice.name")
	}
	return complaint{}
}

func textComplaint(body jsonObject) complaint {
	format := body.object("text").object("format")
	if format == nil {
		return complaint{}
	}
	kinds := []string{"text", "json_object", "json_schema"}
	kind, _ := format.text("type")
	if !contains(kinds, kind) {
		return invalidValue("text.format.type", kind, kinds)
	}
	if kind != "json_schema" {
		return complaint{}
	}
	if !format.has("name") {
		return missing("text.format.name")
	}
	var schema map[string]json.RawMessage
	if json.Unmarshal(format["schema"], &schema) != nil {
		return missing("text.format.schema")
	}
	return complaint{}
}
