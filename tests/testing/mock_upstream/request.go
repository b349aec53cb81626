package main

import (
	"net/http"
	"strings"
)

// request is a request that has arrived completely.
type request struct {
	method string
	path   string // decoded
	query  string
	proto  string
	header http.Header
	// The bytes as they came; over HTTP/2, as they would have come over 1.1.
	head []byte
	body []byte

	connection int64 // which connection brought it
	reused     bool  // that connection had brought another before
	secure     bool
	plain      bool // nothing about it forbids the prebuilt answer
}

func (r *request) headerValue(name string) string {
	return r.header.Get(name)
}

// operation is what a path asks for.
type operation int

const (
	opUnknown operation = iota
	opOpenAIChat
	opOpenAIEmbeddings
	opOpenAIModels
	opOpenAIModel
	opAnthropicMessages
	opAnthropicCountTokens
	opAnthropicModels
	opAnthropicModel
)

func (op operation) anthropic() bool { return op >= opAnthropicMessages }

// fixed paths, with the method each wants.
var routes = map[string]struct {
	op     operation
	method string
}{
	"/v1/chat/completions":      {opOpenAIChat, http.MethodPost},
	"/v1/embeddings":            {opOpenAIEmbeddings, http.MethodPost},
	"/v1/messages":              {opAnthropicMessages, http.MethodPost},
	"/v1/messages/count_tokens": {opAnthropicCountTokens, http.MethodPost},
	"/v1/models":                {opOpenAIModels, http.MethodGet},
}

const modelPrefix = "/v1/models/"

// operationOf finds the operation and whether the method is the one it takes.
func operationOf(r *request) (op operation, methodFits bool) {
	route, ok := routes[r.path]
	if !ok {
		if !strings.HasPrefix(r.path, modelPrefix) {
			return opUnknown, true
		}
		route.op, route.method = opOpenAIModel, http.MethodGet
	}
	// Both vendors list models at one path; only Anthropic's callers name a
	// version.
	if r.method == http.MethodGet && r.headerValue("Anthropic-Version") != "" {
		switch route.op {
		case opOpenAIModels:
			route.op = opAnthropicModels
		case opOpenAIModel:
			route.op = opAnthropicModel
		}
	}
	return route.op, route.method == r.method
}
