package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// complaint is what a vendor would find wrong with a request. The zero value
// is none.
type complaint struct {
	status  int
	message string
	code    string
	param   string
}

func (c complaint) errorBody() *ErrorBody {
	body := &ErrorBody{Message: c.message}
	if c.code != "" {
		body.Code = &c.code
	}
	if c.param != "" {
		body.Param = &c.param
	}
	return body
}

// badRequest is a complaint with status 400.
func badRequest(format string, args ...interface{}) complaint {
	return complaint{status: http.StatusBadRequest,
		message: fmt.Sprintf(format, args...)}
}

// with names the code and the parameter at fault.
func (c complaint) with(code, param string) complaint {
	c.code, c.param = code, param
	return c
}

// jsonObject is an object whose members have not been read yet.
type jsonObject map[string]json.RawMessage

// has says whether the member is there and not null.
func (o jsonObject) has(key string) bool {
	return o[key] != nil && string(o[key]) != "null"
}

// text is the member if it is a string.
func (o jsonObject) text(key string) (string, bool) {
	var s string
	if !o.has(key) || json.Unmarshal(o[key], &s) != nil {
		return "", false
	}
	return s, true
}

// object is the member if it is an object, else nil.
func (o jsonObject) object(key string) jsonObject {
	var inner jsonObject
	_ = json.Unmarshal(o[key], &inner)
	return inner
}

// list is the member if it is a list of objects.
func (o jsonObject) list(key string) ([]jsonObject, bool) {
	var list []jsonObject
	return list, o.has(key) && json.Unmarshal(o[key], &list) == nil
}

// Where each vendor looks for the key, besides Authorization.
var keyHeaders = [vendors]string{
	vendorAnthropic: "X-Api-Key",
	vendorGemini:    "X-Goog-Api-Key",
	vendorAzure:     "Api-Key",
}

// headerComplaint tells what a vendor would find wrong with the header. Only
// those are asked for a key whose callers send it where others do not.
func headerComplaint(to target, r *request) complaint {
	keyless := r.headerValue("Authorization") == "" &&
		(keyHeaders[to.vendor] == "" ||
			r.headerValue(keyHeaders[to.vendor]) == "")
	switch {
	case to.vendor == vendorAnthropic &&
		r.headerValue("Anthropic-Version") == "":
		return badRequest("anthropic-version: header is required")
	case to.vendor == vendorGemini && keyless:
		return complaint{status: http.StatusForbidden, message: "Method " +
			"doesn't allow unregistered callers (callers without " +
			"established identity). Please use API Key or other form of " +
			"API consumer identity to call this API."}
	case to.vendor == vendorAzure && keyless:
		return complaint{status: http.StatusUnauthorized, message: "Access " +
			"denied due to invalid subscription key or wrong API endpoint."}
	case to.vendor == vendorAzure && to.model != "" && strings.HasPrefix(
		r.path, azureDeployments) && !strings.Contains(
		"&"+r.query, "&api-version="):
		return complaint{status: http.StatusNotFound,
			message: "Resource not found", code: "404"}
	case r.method != http.MethodGet && !strings.HasPrefix(
		r.headerValue("Content-Type"), "application/json"):
		return badRequest("content-type must be application/json")
	}
	return complaint{}
}

// bodyComplaint tells what a vendor would find wrong with the body.
func bodyComplaint(to target, r *request, a asked, found bool) complaint {
	if r.method == http.MethodGet || to.op == opOpenAIKeptResponse {
		return complaint{}
	}
	if !found || !json.Valid(r.body) {
		return badRequest("The body of the request is not valid JSON.")
	}
	switch to.vendor {
	case vendorGemini:
		return geminiComplaint(to, r)
	case vendorOllama:
		return ollamaComplaint(to, r, a)
	}
	if len(a.model) == 0 && to.model == "" {
		return badRequest("model: field required")
	}
	body := jsonObject{}
	_ = json.Unmarshal(r.body, &body)
	switch to.op {
	case opOpenAIResponses, opOpenAIInputTokens:
		return responsesComplaint(body)
	case opOpenAIEmbeddings:
		return embeddingsComplaint(body, a)
	}
	if bad := foreignComplaint(to, body); bad.status != 0 {
		return bad
	}
	switch {
	case !a.hasMessages:
		return badRequest("messages: at least one message is required")
	case to.op == opAnthropicMessages && !a.hasMaxTokens:
		return badRequest("max_tokens: field required")
	case to.vendor == vendorAnthropic:
		return anthropicComplaint(body)
	}
	return chatComplaint(to, body)
}

// Parameters of the others, which a translation should have renamed. Those
// that nobody has pass: they may be newer than this list.
var foreign = map[operation][]string{
	opOpenAIChat: {"input", "instructions", "max_output_tokens",
		"previous_response_id", "stop_sequences", "system", "contents",
		"generationConfig", "options"},
	opOpenAIResponses: {"messages", "max_tokens", "max_completion_tokens",
		"n", "stop", "seed", "logit_bias", "frequency_penalty",
		"presence_penalty", "response_format", "reasoning_effort",
		"functions", "function_call", "stop_sequences", "system", "contents",
		"generationConfig", "options"},
	opAnthropicMessages: {"input", "instructions", "max_output_tokens",
		"max_completion_tokens", "n", "stop", "seed", "logit_bias",
		"frequency_penalty", "presence_penalty", "response_format",
		"reasoning_effort", "functions", "function_call", "logprobs",
		"stream_options", "parallel_tool_calls", "user", "contents",
		"generationConfig", "options"},
}

func foreignComplaint(to target, body jsonObject) complaint {
	for _, name := range foreign[to.op] {
		switch {
		case body[name] == nil:
		case to.vendor == vendorAnthropic:
			return badRequest("%s: Extra inputs are not permitted", name)
		default:
			return badRequest("Unknown parameter: '%s'.", name).with(
				"unknown_parameter", name)
		}
	}
	return complaint{}
}

func embeddingsComplaint(body jsonObject, a asked) complaint {
	if !a.hasInput {
		return badRequest("input: field required")
	}
	var texts []string
	if json.Unmarshal(a.input, &texts) == nil {
		for _, text := range texts {
			if text == "" {
				return badRequest("'$.input' is invalid.")
			}
		}
	}
	if inputCount(a.input) > 2048 {
		return badRequest("'$.input' is invalid. Please check the API " +
			"reference: at most 2048 inputs.")
	}
	switch format := string(a.encodingFormat); format {
	case "", "float", "base64":
	default:
		return badRequest("Invalid value: '%s'. Supported values are: "+
			"'float' and 'base64'.", format).with("invalid_value",
			"encoding_format")
	}
	if body.has("dimensions") && a.dimensions < 1 {
		return badRequest("Invalid value for 'dimensions'.").with(
			"integer_below_min_value", "dimensions")
	}
	return complaint{}
}
