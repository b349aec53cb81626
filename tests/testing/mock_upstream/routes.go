package main

import (
	"net/http"
	"strings"
)

// operation is what a path asks for.
type operation int

const (
	opUnknown operation = iota
	opOpenAIChat
	opOpenAIEmbeddings
	opOpenAIModels
	opOpenAIModel
	opOpenAIResponses
	opOpenAIInputTokens
	opOpenAIKeptResponse
	opAnthropicMessages
	opAnthropicCountTokens
	opAnthropicModels
	opAnthropicModel
	opGeminiGenerate
	opGeminiCountTokens
	opGeminiEmbed
	opGeminiBatchEmbed
	opGeminiModels
	opGeminiModel
	opOllamaChat
	opOllamaEmbed
	opOllamaTags
	opOllamaVersion
	operations // how many there are
)

// target is what a request is for, as far as its path and header tell.
type target struct {
	op         operation
	vendor     vendor
	methodFits bool
	model      string // if the path names it
	stream     bool   // if the path says so
}

type route struct {
	op     operation
	method string
}

// Fixed paths, with the method each wants.
var openAIRoutes = map[string]route{
	"/v1/chat/completions":       {opOpenAIChat, http.MethodPost},
	"/v1/responses":              {opOpenAIResponses, http.MethodPost},
	"/v1/responses/input_tokens": {opOpenAIInputTokens, http.MethodPost},
	"/v1/embeddings":             {opOpenAIEmbeddings, http.MethodPost},
	"/v1/messages":               {opAnthropicMessages, http.MethodPost},
	"/v1/messages/count_tokens":  {opAnthropicCountTokens, http.MethodPost},
	"/v1/models":                 {opOpenAIModels, http.MethodGet},
}

var ollamaRoutes = map[string]route{
	"/api/chat":    {opOllamaChat, http.MethodPost},
	"/api/embed":   {opOllamaEmbed, http.MethodPost},
	"/api/tags":    {opOllamaTags, http.MethodGet},
	"/api/version": {opOllamaVersion, http.MethodGet},
}

var geminiMethods = map[string]operation{
	"generateContent":       opGeminiGenerate,
	"streamGenerateContent": opGeminiGenerate,
	"countTokens":           opGeminiCountTokens,
	"embedContent":          opGeminiEmbed,
	"batchEmbedContents":    opGeminiBatchEmbed,
}

const (
	modelPrefix       = "/v1/models/"
	responsesPrefix   = "/v1/responses/"
	geminiModels      = "/v1beta/models"
	geminiModelsV1    = "/v1/models"
	azureDeployments  = "/openai/deployments/"
	azurePrefix       = "/openai/v1/"
	openRouterPrefix  = "/api/v1/"
	deepSeekChatPath  = "/chat/completions"
	deepSeekModelPath = "/models"
)

// targetOf finds what a request is for. Vendors are told apart by their paths.
func targetOf(r *request) target {
	switch path := r.path; {
	case isGeminiV1(r):
		return geminiTarget(r, geminiModelsV1)
	case strings.HasPrefix(path, "/v1/"):
		return openAITarget(r, vendorOpenAI, path)
	case strings.HasPrefix(path, geminiModels):
		return geminiTarget(r, geminiModels)
	case strings.HasPrefix(path, azureDeployments):
		return deploymentTarget(r)
	case strings.HasPrefix(path, azurePrefix):
		return openAITarget(r, vendorAzure, path[len("/openai"):])
	case strings.HasPrefix(path, openRouterPrefix):
		return openAITarget(r, vendorOpenRouter, path[len("/api"):])
	case path == deepSeekChatPath || path == deepSeekModelPath:
		return openAITarget(r, vendorDeepSeek, "/v1"+path)
	default:
		return targetIn(ollamaRoutes, r, vendorOllama, path)
	}
}

func targetIn(routes map[string]route, r *request, v vendor,
	path string) target {
	found, ok := routes[path]
	if !ok {
		return target{methodFits: true}
	}
	return target{op: found.op, vendor: v,
		methodFits: found.method == r.method}
}

// openAITarget reads a path of OpenAI's or, since they share some, of
// Anthropic's. Both list models at one path; only Anthropic's callers name a
// version.
func openAITarget(r *request, v vendor, path string) target {
	t := targetIn(openAIRoutes, r, v, path)
	if t.op == opUnknown && strings.HasPrefix(path, modelPrefix) {
		t = target{op: opOpenAIModel, vendor: v,
			methodFits: r.method == http.MethodGet,
			model:      path[len(modelPrefix):]}
	}
	if t.op == opUnknown && strings.HasPrefix(path, responsesPrefix) {
		t = target{op: opOpenAIKeptResponse, vendor: v, methodFits: true}
	}
	if t.methodFits && r.method == http.MethodGet &&
		r.headerValue("Anthropic-Version") != "" {
		switch t.op {
		case opOpenAIModels:
			t.op = opAnthropicModels
		case opOpenAIModel:
			t.op = opAnthropicModel
		}
	}
	if t.op >= opAnthropicMessages && t.op <= opAnthropicModel {
		t.vendor = vendorAnthropic
	}
	return t
}

// deploymentTarget reads Azure's older paths, in which the deployment takes
// the model's place.
func deploymentTarget(r *request) target {
	rest := r.path[len(azureDeployments):]
	slash := strings.IndexByte(rest, '/')
	if slash < 1 {
		return target{vendor: vendorAzure, methodFits: true}
	}
	t := targetIn(openAIRoutes, r, vendorAzure, "/v1"+rest[slash:])
	if t.op != opOpenAIChat && t.op != opOpenAIEmbeddings {
		return target{vendor: vendorAzure, methodFits: true}
	}
	t.model = rest[:slash]
	return t
}

// isGeminiV1 says whether a path that others have too is Gemini's: by its
// method, or by the key that only Gemini's callers send in this way.
func isGeminiV1(r *request) bool {
	if !strings.HasPrefix(r.path, geminiModelsV1) {
		return false
	}
	colon := strings.LastIndexByte(r.path, ':')
	return colon >= 0 && geminiMethods[r.path[colon+1:]] != opUnknown ||
		r.headerValue("X-Goog-Api-Key") != ""
}

// geminiTarget reads /v1beta/models, /v1beta/models/{model} and
// /v1beta/models/{model}:{method}; their prefix may be another.
func geminiTarget(r *request, models string) target {
	t := target{vendor: vendorGemini, methodFits: true}
	if r.path == models {
		t.op, t.methodFits = opGeminiModels, r.method == http.MethodGet
		return t
	}
	rest := strings.TrimPrefix(r.path[len(models):], "/")
	colon := strings.LastIndexByte(rest, ':')
	if colon < 0 {
		t.op, t.model = opGeminiModel, rest
		t.methodFits = r.method == http.MethodGet
		return t
	}
	t.op, t.model = geminiMethods[rest[colon+1:]], rest[:colon]
	t.stream = rest[colon+1:] == "streamGenerateContent"
	t.methodFits = t.op == opUnknown || r.method == http.MethodPost
	return t
}
