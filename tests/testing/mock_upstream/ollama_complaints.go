package main

import "encoding/json"

// ollamaRequest is what Ollama, a program in Go, decodes a request into; what
// does not decode is an error in Go's own words. Unknown fields it ignores.
type ollamaRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		Role      string   `json:"role"`
		Content   string   `json:"content"`
		Thinking  string   `json:"thinking"`
		Images    [][]byte `json:"images"`
		ToolCalls []struct {
			Function struct {
				Name      string                     `json:"name"`
				Arguments map[string]json.RawMessage `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
		ToolName   string `json:"tool_name"`
		ToolCallID string `json:"tool_call_id"`
	} `json:"messages"`
	Stream  *bool                      `json:"stream"`
	Format  json.RawMessage            `json:"format"`
	Think   json.RawMessage            `json:"think"`
	Options map[string]json.RawMessage `json:"options"`
	Tools   []struct {
		Type     string `json:"type"`
		Function struct {
			Name       string                     `json:"name"`
			Parameters map[string]json.RawMessage `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
	TopLogprobs int `json:"top_logprobs"`
}

func ollamaComplaint(to target, r *request, a asked) complaint {
	var asked ollamaRequest
	if err := json.Unmarshal(r.body, &asked); err != nil {
		return badRequest("%v", err)
	}
	if asked.Model == "" {
		return badRequest("model is required")
	}
	if to.op == opOllamaEmbed {
		var one string
		var many []string
		if json.Unmarshal(a.input, &one) != nil &&
			json.Unmarshal(a.input, &many) != nil {
			return badRequest("invalid input type")
		}
		return complaint{}
	}
	// Ollama hands any role to the model's template, most of which leave out
	// what they do not know: we would rather be told.
	for _, m := range asked.Messages {
		if !contains([]string{"system", "user", "assistant", "tool"},
			m.Role) {
			return badRequest("invalid role %q", m.Role)
		}
	}
	for _, tool := range asked.Tools {
		if tool.Function.Name == "" {
			return badRequest("tools: function name is required")
		}
	}
	if asked.TopLogprobs < 0 || asked.TopLogprobs > 20 {
		return badRequest("top_logprobs must be between 0 and 20")
	}
	return ollamaChoiceComplaint(asked)
}

// ollamaChoiceComplaint checks the two fields that take one of several types.
func ollamaChoiceComplaint(asked ollamaRequest) complaint {
	var schema map[string]json.RawMessage
	format := string(asked.Format)
	if format != "" && format != "null" && format != `""` &&
		format != `"json"` && json.Unmarshal(asked.Format, &schema) != nil {
		return badRequest("invalid format: %s; expected \"json\" or a valid "+
			"JSON Schema object", format)
	}
	switch think := string(asked.Think); think {
	case "", "null", "true", "false", `"low"`, `"medium"`, `"high"`,
		`"max"`:
	default:
		return badRequest("invalid think value: %s (must be \"high\", "+
			"\"medium\", \"low\", \"max\", true, or false)", think)
	}
	return complaint{}
}
