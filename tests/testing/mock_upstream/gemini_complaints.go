package main

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// Names of the fields that each object may have. Google's servers read JSON
// as protobuf does: a field that they do not know is an error, and each may
// also be written with underscores.
var geminiFields = map[string][]string{
	"request": {"model", "contents", "systemInstruction", "tools",
		"toolConfig", "safetySettings", "cachedContent", "serviceTier",
		"generationConfig", "store"},
	"generation_config": {"temperature", "topP", "topK", "candidateCount",
		"maxOutputTokens", "stopSequences", "presencePenalty",
		"frequencyPenalty", "seed", "responseLogprobs", "logprobs",
		"responseMimeType", "responseSchema", "responseJsonSchema",
		"responseModalities", "mediaResolution", "speechConfig",
		"imageConfig", "audioTranscriptionConfig",
		"enableEnhancedCivicAnswers", "thinkingConfig"},
	"content": {"role", "parts"},
	"part": {"text", "inlineData", "fileData", "functionCall",
		"functionResponse", "executableCode", "codeExecutionResult",
		"toolCall", "toolResponse", "thought", "thoughtSignature",
		"videoMetadata", "mediaResolution", "partMetadata"},
	"tool": {"functionDeclarations", "googleSearch", "codeExecution",
		"urlContext", "googleMaps", "fileSearch", "computerUse",
		"googleSearchRetrieval", "mcpServers"},
	"declaration": {"name", "description", "parameters",
		"parametersJsonSchema", "response", "responseJsonSchema",
		"behavior"},
	"tool_config": {"functionCallingConfig", "retrievalConfig",
		"includeServerSideToolInvocations"},
	"thinking_config": {"includeThoughts", "thinkingBudget",
		"thinkingLevel"},
	"count": {"contents", "generateContentRequest"},
	"batch": {"requests"},
	"embed": {"model", "content", "taskType", "title", "outputDimensionality"},
}

// A part has one of these.
var geminiData = []string{"text", "inlineData", "fileData", "functionCall",
	"functionResponse", "executableCode", "codeExecutionResult", "toolCall",
	"toolResponse"}

var geminiName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$`)

// camel writes a name with underscores as protobuf's JSON does.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i := 1; i < len(words); i++ {
		if words[i] != "" {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}

// geminiObject reads an object whose kind is in geminiFields and gives its
// members their usual names.
func geminiObject(raw json.RawMessage, kind, at string) (jsonObject,
	complaint) {
	var written jsonObject
	if json.Unmarshal(raw, &written) != nil || written == nil {
		return nil, badRequest("Invalid value at '%s': want an object", at)
	}
	object := jsonObject{}
	for name, value := range written {
		known := camel(name)
		if !contains(geminiFields[kind], known) {
			where := ""
			if at != "" {
				where = " at '" + at + "'"
			}
			return nil, badRequest("Invalid JSON payload received. Unknown "+
				"name \"%s\"%s: Cannot find field.", name, where)
		}
		if string(value) != "null" {
			object[known] = value
		}
	}
	return object, complaint{}
}

// geminiEach reads a list of such objects.
func geminiEach(raw json.RawMessage, kind, at string,
	check func(o jsonObject, at string) complaint) complaint {
	if raw == nil {
		return complaint{}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw} // One that repeats may stand alone.
	}
	for i, one := range list {
		place := at + "[" + strconv.Itoa(i) + "]"
		object, bad := geminiObject(one, kind, place)
		if bad.status == 0 {
			bad = check(object, place)
		}
		if bad.status != 0 {
			return bad
		}
	}
	return complaint{}
}

func geminiComplaint(to target, r *request) complaint {
	switch to.op {
	case opGeminiCountTokens:
		return geminiCountComplaint(to, r.body)
	case opGeminiEmbed:
		return geminiEmbedComplaint(to, r.body, "", false)
	case opGeminiBatchEmbed:
		batch, bad := geminiObject(r.body, "batch", "")
		var requests []json.RawMessage
		if bad.status == 0 && json.Unmarshal(batch["requests"],
			&requests) != nil || bad.status == 0 && len(requests) == 0 {
			bad = badRequest("* BatchEmbedContentsRequest.requests: at " +
				"least one request is required")
		}
		for i := 0; i < len(requests) && bad.status == 0; i++ {
			bad = geminiEmbedComplaint(to, requests[i],
				"requests["+strconv.Itoa(i)+"]", true)
		}
		return bad
	}
	if to.stream && !strings.Contains("&"+r.query, "&alt=sse") {
		return badRequest("mock_upstream streams with alt=sse alone")
	}
	return geminiGenerateComplaint(to, r.body)
}

func geminiCountComplaint(to target, body []byte) complaint {
	count, bad := geminiObject(body, "count", "")
	if bad.status != 0 {
		return bad
	}
	if inner := count["generateContentRequest"]; inner != nil {
		if count["contents"] != nil {
			return badRequest("contents and generateContentRequest exclude " +
				"each other")
		}
		return geminiGenerateComplaint(to, inner)
	}
	return contentsComplaint(to, count["contents"])
}

func geminiEmbedComplaint(to target, raw json.RawMessage, at string,
	wantsModel bool) complaint {
	embed, bad := geminiObject(raw, "embed", at)
	if bad.status != 0 {
		return bad
	}
	if model, _ := embed.text("model"); wantsModel &&
		model != "models/"+to.model {
		return badRequest("* BatchEmbedContentsRequest.%s.model: must be "+
			"models/%s", at, to.model)
	}
	if embed["content"] == nil {
		return badRequest("* EmbedContentRequest.content: content is not " +
			"specified")
	}
	content, bad := geminiObject(embed["content"], "content", at+".content")
	if bad.status != 0 {
		return bad
	}
	return geminiEach(content["parts"], "part", at+".content.parts",
		func(jsonObject, string) complaint { return complaint{} })
}

func geminiGenerateComplaint(to target, body []byte) complaint {
	request, bad := geminiObject(body, "request", "")
	if bad.status != 0 {
		return bad
	}
	if bad := contentsComplaint(to, request["contents"]); bad.status != 0 {
		return bad
	}
	if raw := request["systemInstruction"]; raw != nil {
		if _, bad := geminiObject(raw, "content",
			"system_instruction"); bad.status != 0 {
			return bad
		}
	}
	if bad := geminiEach(request["tools"], "tool", "tools",
		toolComplaint); bad.status != 0 {
		return bad
	}
	if bad := toolConfigComplaint(request["toolConfig"]); bad.status != 0 {
		return bad
	}
	return generationComplaint(request["generationConfig"])
}

// turn is what has to fit to the turn before it.
type turn struct{ calls, answers int }

func contentsComplaint(to target, raw json.RawMessage) complaint {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return badRequest("* GenerateContentRequest.contents: contents is " +
			"not specified")
	}
	before := turn{}
	return geminiEach(raw, "content", "contents",
		func(content jsonObject, at string) complaint {
			role, _ := content.text("role")
			if content.has("role") && role != "user" && role != "model" {
				return badRequest("Please use a valid role: user, model.")
			}
			var parts []json.RawMessage
			_ = json.Unmarshal(content["parts"], &parts)
			if len(parts) == 0 {
				return badRequest("* GenerateContentRequest.%s.parts: "+
					"contents.parts must not be empty.", at)
			}
			now := turn{}
			bad := geminiEach(content["parts"], "part", at+".parts",
				func(part jsonObject, at string) complaint {
					return partComplaint(to, part, at, &now)
				})
			if bad.status == 0 && now.answers > 0 &&
				now.answers != before.calls {
				bad = badRequest("Please ensure that the number of function " +
					"response parts is equal to the number of function " +
					"call parts of the function call turn.")
			}
			before = now
			return bad
		})
}

func partComplaint(to target, part jsonObject, at string,
	now *turn) complaint {
	data := 0
	for _, name := range geminiData {
		if part.has(name) {
			data++
		}
	}
	if data != 1 {
		return badRequest("* GenerateContentRequest.%s.data: required oneof "+
			"field 'data' must have one initialized field", at)
	}
	if part.has("functionCall") {
		now.calls++
		if name, _ := part.object("functionCall").text("name"); name == "" {
			return badRequest("* GenerateContentRequest.%s.function_call."+
				"name: Name cannot be empty.", at)
		}
		// The first of calls made together bears the signature.
		if strings.HasPrefix(to.model, "gemini-3") && now.calls == 1 &&
			!part.has("thoughtSignature") {
			return badRequest("Function call is missing a " +
				"thought_signature in functionCall parts.")
		}
	}
	if part.has("functionResponse") {
		now.answers++
		answer := part.object("functionResponse")
		if name, _ := answer.text("name"); name == "" {
			return badRequest("* GenerateContentRequest.%s."+
				"function_response.name: Name cannot be empty.", at)
		}
		if answer.object("response") == nil {
			return badRequest("Invalid value at '%s.function_response."+
				"response' (type.googleapis.com/google.protobuf.Struct)", at)
		}
	}
	if part.has("inlineData") {
		data, _ := part.object("inlineData").text("data")
		if !isBase64(data) {
			return badRequest("Invalid value at '%s.inline_data.data' "+
				"(TYPE_BYTES), Base64 decoding failed", at)
		}
	}
	return complaint{}
}

// isBase64 takes both alphabets, padded or not, as protobuf's JSON does. The
// SDKs for Python write the second.
func isBase64(text string) bool {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(
		strings.TrimRight(text, "="))
	_, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil
}

func toolComplaint(tool jsonObject, at string) complaint {
	return geminiEach(tool["functionDeclarations"], "declaration",
		at+".function_declarations",
		func(f jsonObject, at string) complaint {
			if name, _ := f.text("name"); !geminiName.MatchString(name) {
				return badRequest("* GenerateContentRequest.%s.name: Invalid "+
					"function name. Must start with a letter or an "+
					"underscore.", at)
			}
			if f.has("parameters") && f.has("parametersJsonSchema") {
				return badRequest("%s: parameters and "+
					"parameters_json_schema exclude each other", at)
			}
			return complaint{}
		})
}

func toolConfigComplaint(raw json.RawMessage) complaint {
	if raw == nil {
		return complaint{}
	}
	config, bad := geminiObject(raw, "tool_config", "tool_config")
	if bad.status != 0 {
		return bad
	}
	calling := config.object("functionCallingConfig")
	mode, _ := calling.text("mode")
	modes := []string{"", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE",
		"VALIDATED"}
	if !contains(modes, mode) {
		return badRequest("Invalid value at 'tool_config."+
			"function_calling_config.mode', \"%s\"", mode)
	}
	names := calling.has("allowedFunctionNames") ||
		calling.has("allowed_function_names")
	if names && mode != "ANY" && mode != "VALIDATED" {
		return badRequest("Function calling config is set without the mode " +
			"ANY or VALIDATED, and with allowed_function_names")
	}
	return complaint{}
}

func generationComplaint(raw json.RawMessage) complaint {
	if raw == nil {
		return complaint{}
	}
	config, bad := geminiObject(raw, "generation_config",
		"generation_config")
	if bad.status != 0 {
		return bad
	}
	kind, _ := config.text("responseMimeType")
	schema := config.has("responseSchema") || config.has("responseJsonSchema")
	var stops []string
	_ = json.Unmarshal(config["stopSequences"], &stops)
	switch {
	case schema && kind != "application/json" && kind != "text/x.enum":
		return badRequest("Response schema is only supported with the mime " +
			"type application/json.")
	case config.has("responseSchema") && config.has("responseJsonSchema"):
		return badRequest("Only one of response_schema and " +
			"response_json_schema may be set.")
	case len(stops) > 5:
		return badRequest("The number of stop_sequences must not exceed 5.")
	}
	if thinking := config["thinkingConfig"]; thinking != nil {
		budget, bad := geminiObject(thinking, "thinking_config",
			"generation_config.thinking_config")
		if bad.status != 0 {
			return bad
		}
		if budget.has("thinkingBudget") && budget.has("thinkingLevel") {
			return badRequest("You can only set one of thinking budget and " +
				"thinking level.")
		}
	}
	return complaint{}
}
