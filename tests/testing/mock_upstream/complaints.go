package main

import (
	"encoding/json"
	"net/http"
	"strings"
)

// headerComplaint tells what a vendor would find wrong with the header.
func headerComplaint(op operation, r *request) string {
	if op.anthropic() && r.headerValue("Anthropic-Version") == "" {
		return "anthropic-version: header is required"
	}
	if r.method != http.MethodGet && !strings.HasPrefix(
		r.headerValue("Content-Type"), "application/json") {
		return "content-type must be application/json"
	}
	return ""
}

// bodyComplaint tells what a vendor would find wrong with the body.
func bodyComplaint(op operation, r *request, a asked, found bool) string {
	switch {
	case r.method == http.MethodGet:
	case !found || !json.Valid(r.body):
		return "The body of the request is not valid JSON."
	case len(a.model) == 0:
		return "model: field required"
	case op == opOpenAIEmbeddings && !a.hasInput:
		return "input: field required"
	case op != opOpenAIEmbeddings && !a.hasMessages:
		return "messages: at least one message is required"
	case op == opAnthropicMessages && !a.hasMaxTokens:
		return "max_tokens: field required"
	}
	return ""
}
