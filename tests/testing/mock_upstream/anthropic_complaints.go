package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

var (
	anthropicID   = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	anthropicName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	// Types of tools that Anthropic knows the schemas of.
	anthropicsOwn = regexp.MustCompile(`_20[0-9]{6}$|^tool_search_tool_`)
	// Numbers and what they must lie between.
	anthropicRanges = map[string][2]float64{"temperature": {0, 1},
		"top_p": {0, 1}, "top_k": {0, 1e9}, "max_tokens": {0, 1e9}}
)

// anthropicComplaint checks a body of messages, or of a count of its tokens.
func anthropicComplaint(body jsonObject) complaint {
	for name, limits := range anthropicRanges {
		n, ok := body.number(name)
		switch {
		case body.has(name) && !ok:
			return badRequest("%s: Input should be a valid number", name)
		case ok && n < limits[0]:
			return badRequest("%s: Input should be greater than or equal "+
				"to %g", name, limits[0])
		case ok && n > limits[1]:
			return badRequest("%s: range: 0..%g", name, limits[1])
		}
	}
	for _, check := range []func(jsonObject) complaint{turnsComplaint,
		systemComplaint, anthropicToolsComplaint, thinkingComplaint} {
		if bad := check(body); bad.status != 0 {
			return bad
		}
	}
	var stops []string
	if body.has("stop_sequences") &&
		json.Unmarshal(body["stop_sequences"], &stops) != nil {
		return badRequest("stop_sequences: Input should be a valid list")
	}
	for _, stop := range stops {
		if strings.TrimSpace(stop) == "" {
			return badRequest("stop_sequences: each stop sequence must " +
				"contain non-whitespace")
		}
	}
	return complaint{}
}

// turnsComplaint checks the messages, and that the results of tools follow
// their calls at once.
func turnsComplaint(body jsonObject) complaint {
	messages, ok := body.list("messages")
	if !ok {
		return badRequest("messages: Input should be a valid list")
	}
	var open openCalls
	for i, message := range messages {
		at := fmt.Sprintf("messages.%d", i)
		role, _ := message.text("role")
		if role != "user" && role != "assistant" && role != "system" {
			return badRequest("%s.role: Input should be 'user' or "+
				"'assistant'", at)
		}
		blocks, bad := blocksOf(message, at, role == "assistant" &&
			i == len(messages)-1)
		if bad.status != 0 {
			return bad
		}
		var calls openCalls
		for k, block := range blocks {
			place := fmt.Sprintf("%s.content.%d", at, k)
			if bad := blockComplaint(block, role, place); bad.status != 0 {
				return bad
			}
			switch kind, _ := block.text("type"); kind {
			case "tool_use":
				id, _ := block.text("id")
				calls = append(calls, id)
			case "tool_result":
				id, _ := block.text("tool_use_id")
				if !open.answer(id) {
					return badRequest("%s: unexpected `tool_use_id` found "+
						"in `tool_result` blocks: %s. Each `tool_result` "+
						"block must have a corresponding `tool_use` block "+
						"in the previous message.", place, id)
				}
			}
		}
		if len(open) > 0 {
			return withoutResults(i-1, open)
		}
		open = calls
	}
	if len(open) > 0 {
		return withoutResults(len(messages)-1, open)
	}
	return complaint{}
}

func withoutResults(message int, open openCalls) complaint {
	return badRequest("messages.%d: `tool_use` ids were found without "+
		"`tool_result` blocks immediately after: %s. Each `tool_use` block "+
		"must have a corresponding `tool_result` block in the next message.",
		message, strings.Join(open, ", "))
}

// blocksOf reads the content of a message: none of a string.
func blocksOf(message jsonObject, at string,
	last bool) ([]jsonObject, complaint) {
	text, isText := message.text("content")
	blocks, isList := message.list("content")
	switch {
	case !isText && !isList:
		return nil, badRequest("%s.content: Input should be a valid list", at)
	case !last && text == "" && len(blocks) == 0:
		return nil, badRequest("%s: all messages must have non-empty content "+
			"except for the optional final assistant message", at)
	}
	return blocks, complaint{}
}

// Strings that a block of each type must have. Of hosted tools' blocks the
// type alone is looked at.
var blockFields = map[string][]string{
	"text":                                   {"text"},
	"image":                                  nil,
	"document":                               nil,
	"tool_use":                               {"id", "name"},
	"tool_result":                            {"tool_use_id"},
	"thinking":                               {"thinking", "signature"},
	"redacted_thinking":                      {"data"},
	"search_result":                          {"source", "title"},
	"mid_conv_system":                        nil,
	"server_tool_use":                        nil,
	"web_search_tool_result":                 nil,
	"web_fetch_tool_result":                  nil,
	"code_execution_tool_result":             nil,
	"bash_code_execution_tool_result":        nil,
	"text_editor_code_execution_tool_result": nil,
	"tool_search_tool_result":                nil,
	"container_upload":                       nil,
}

func blockComplaint(block jsonObject, role, at string) complaint {
	kind, _ := block.text("type")
	fields, known := blockFields[kind]
	if !known {
		return badRequest("%s: Input tag '%s' found using 'type' does not "+
			"match any of the expected tags", at, kind)
	}
	for _, name := range fields {
		if _, ok := block.text(name); !ok {
			return badRequest("%s.%s.%s: Field required", at, kind, name)
		}
	}
	id, _ := block.text("id")
	text, _ := block.text("text")
	switch {
	case kind == "text" && text == "":
		return badRequest("messages: text content blocks must be non-empty")
	case kind == "tool_use" && !anthropicID.MatchString(id):
		return badRequest("%s.tool_use.id: String should match pattern "+
			"'^[a-zA-Z0-9_-]+$'", at)
	case kind == "tool_use" && block.object("input") == nil:
		return badRequest("%s.tool_use.input: Input should be a valid "+
			"dictionary", at)
	case kind == "tool_use" && role != "assistant":
		return badRequest("%s: `tool_use` blocks can only be in `assistant` "+
			"messages", at)
	case kind == "tool_result" && role != "user":
		return badRequest("%s: `tool_result` blocks can only be in `user` "+
			"messages", at)
	case kind == "image" || kind == "document":
		return sourceComplaint(block.object("source"), at+"."+kind+".source")
	}
	return complaint{}
}

// Strings that a source of each type must have.
var sourceFields = map[string][]string{
	"base64":  {"media_type", "data"},
	"url":     {"url"},
	"file":    {"file_id"},
	"text":    {"media_type", "data"},
	"content": nil,
}

func sourceComplaint(source jsonObject, at string) complaint {
	kind, _ := source.text("type")
	fields, known := sourceFields[kind]
	if !known {
		return badRequest("%s: Input tag '%s' found using 'type' does not "+
			"match any of the expected tags", at, kind)
	}
	for _, name := range fields {
		if _, ok := source.text(name); !ok {
			return badRequest("%s.%s.%s: Field required", at, kind, name)
		}
	}
	var bytes []byte
	if kind == "base64" && json.Unmarshal(source["data"], &bytes) != nil {
		return badRequest("%s.base64.data: Invalid base64 data", at)
	}
	return complaint{}
}

func systemComplaint(body jsonObject) complaint {
	if !body.has("system") {
		return complaint{}
	}
	blocks, isList := body.list("system")
	if _, ok := body.text("system"); !ok && !isList {
		return badRequest("system: Input should be a valid list")
	}
	for i, block := range blocks {
		kind, _ := block.text("type")
		text, _ := block.text("text")
		if kind != "text" {
			return badRequest("system.%d.type: Input should be 'text'", i)
		}
		if text == "" {
			return badRequest("system: text content blocks must be non-empty")
		}
	}
	return complaint{}
}

func anthropicToolsComplaint(body jsonObject) complaint {
	tools, ok := body.list("tools")
	if body.has("tools") && !ok {
		return badRequest("tools: Input should be a valid list")
	}
	names := map[string]bool{}
	for i, tool := range tools {
		name, _ := tool.text("name")
		kind, _ := tool.text("type")
		switch {
		case anthropicsOwn.MatchString(kind):
		case kind != "" && kind != "custom":
			return badRequest("tools.%d: Input tag '%s' found using 'type' "+
				"does not match any of the expected tags", i, kind)
		case !anthropicName.MatchString(name):
			return badRequest("tools.%d.custom.name: String should match "+
				"pattern '^[a-zA-Z0-9_-]{1,128}$'", i)
		case string(tool.object("input_schema")["type"]) != `"object"`:
			return badRequest("tools.%d.custom.input_schema.type: Field "+
				"required", i)
		}
		if names[name] {
			return badRequest("tools: Tool names must be unique.")
		}
		names[name] = true
	}
	if !body.has("tool_choice") {
		return complaint{}
	}
	choice, _ := body.object("tool_choice").text("type")
	switch {
	case !contains([]string{"auto", "any", "tool", "none"}, choice):
		return badRequest("tool_choice: Input tag '%s' found using 'type' "+
			"does not match any of the expected tags: 'auto', 'any', "+
			"'tool', 'none'", choice)
	case len(tools) == 0:
		return badRequest("tool_choice may only be specified while " +
			"providing tools")
	}
	if name, _ := body.object("tool_choice").text("name"); choice == "tool" &&
		!names[name] {
		return badRequest("Tool '%s' not found in provided tools", name)
	}
	return complaint{}
}

func thinkingComplaint(body jsonObject) complaint {
	format := body.object("output_config").object("format")
	kind, _ := format.text("type")
	if format != nil && (kind != "json_schema" ||
		format.object("schema") == nil) {
		return badRequest("output_config.format.schema: Field required")
	}
	if !body.has("thinking") {
		return complaint{}
	}
	thinking := body.object("thinking")
	kind, _ = thinking.text("type")
	budget, _ := thinking.number("budget_tokens")
	limit, limited := body.number("max_tokens")
	choice, _ := body.object("tool_choice").text("type")
	switch {
	case !contains([]string{"enabled", "adaptive", "disabled"}, kind):
		return badRequest("thinking: Input tag '%s' found using 'type' does "+
			"not match any of the expected tags", kind)
	case kind == "enabled" && budget < 1024:
		return badRequest("thinking.enabled.budget_tokens: Input should be " +
			"greater than or equal to 1024")
	case kind == "enabled" && limited && budget >= limit:
		return badRequest("`max_tokens` must be greater than " +
			"`thinking.budget_tokens`.")
	case kind != "disabled" && (choice == "any" || choice == "tool"):
		return badRequest("Thinking may not be enabled when tool_choice " +
			"forces tool use.")
	}
	return complaint{}
}
