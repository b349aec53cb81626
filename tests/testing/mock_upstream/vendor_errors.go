package main

import "encoding/json"

// By status; kind is the status word.
var geminiErrors = map[int]vendorError{
	400: {"INVALID_ARGUMENT", "", "Request contains an invalid argument."},
	401: {"UNAUTHENTICATED", "",
		"Request had invalid authentication credentials."},
	403: {"PERMISSION_DENIED", "", "Permission denied."},
	404: {"NOT_FOUND", "", "The model is not found for API version v1beta."},
	409: {"ABORTED", "", "The operation was aborted."},
	429: {"RESOURCE_EXHAUSTED", "", "You exceeded your current quota."},
	499: {"CANCELLED", "", "The operation was cancelled."},
	500: {"INTERNAL", "", "An internal error has occurred."},
	501: {"UNIMPLEMENTED", "", "Not implemented."},
	503: {"UNAVAILABLE", "", "The model is overloaded."},
	504: {"DEADLINE_EXCEEDED", "", "Deadline expired."},
}

// Ollama says no more than a sentence.
var ollamaErrors = map[int]vendorError{
	400: {"", "", "invalid request"},
	401: {"", "", "unauthorized"},
	403: {"", "", "forbidden"},
	404: {"", "", "model 'mock' not found"},
	405: {"", "", "method not allowed"},
	429: {"", "", "rate limit exceeded"},
	499: {"", "", "request canceled"},
	500: {"", "", "model runner has unexpectedly stopped"},
	502: {"", "", "upstream unreachable"},
	503: {"", "", "server busy, please try again.  " +
		"maximum pending requests exceeded"},
}

// By status; kind is left out where Azure leaves out the type.
var azureErrors = map[int]vendorError{
	400: {"", "BadRequest", "Invalid request."},
	401: {"", "401", "Access denied due to invalid subscription key or wrong " +
		"API endpoint."},
	403: {"", "Forbidden", "Access denied due to network rules."},
	404: {"", "DeploymentNotFound",
		"The API deployment for this resource does not exist."},
	408: {"", "Timeout", "The operation was timeout."},
	429: {"", "429", "Requests have exceeded the call rate limit."},
	500: {"", "InternalServerError", "Internal server error."},
	503: {"", "ServiceUnavailable", "The service is unavailable."},
}

var deepSeekErrors = map[int]vendorError{
	400: {"invalid_request_error", "invalid_request_error",
		"Invalid request."},
	401: {"authentication_error", "invalid_request_error",
		"Authentication Fails (governor)"},
	402: {"unknown_error", "invalid_request_error", "Insufficient Balance"},
	422: {"invalid_request_error", "invalid_request_error",
		"Invalid parameters."},
	429: {"rate_limit_error", "rate_limit_error", "Too many requests."},
	500: {"server_error", "server_error", "Server error."},
	503: {"service_unavailable_error", "service_unavailable_error",
		"Service is too busy."},
}

// By status; code is metadata.error_type.
var openRouterErrors = map[int]vendorError{
	400: {"", "invalid_request", "Invalid request."},
	401: {"", "authentication", "No auth credentials found"},
	402: {"", "payment_required", "Insufficient credits"},
	403: {"", "permission_denied", "Forbidden"},
	404: {"", "not_found", "No endpoints found."},
	408: {"", "timeout", "Request timed out"},
	413: {"", "payload_too_large", "Payload too large"},
	422: {"", "unprocessable", "Unprocessable"},
	429: {"", "rate_limit_exceeded", "Rate limit exceeded"},
	500: {"", "server", "Internal Server Error"},
	502: {"", "provider_unavailable", "Provider returned error"},
	503: {"", "provider_overloaded", "Provider overloaded"},
	504: {"", "timeout", "Provider timed out"},
	529: {"", "provider_overloaded", "Provider overloaded"},
}

// geminiErrorBody is google.rpc.Status as HTTP carries it. A code becomes the
// reason of an ErrorInfo.
func geminiErrorBody(status int, e vendorError, own *ErrorBody) []byte {
	var details []interface{}
	if e.code != "" {
		details = append(details, struct {
			Type   string `json:"@type"`
			Reason string `json:"reason"`
			Domain string `json:"domain"`
		}{"type.googleapis.com/google.rpc.ErrorInfo", e.code,
			"googleapis.com"})
	}
	if own.QuotaID != "" {
		violation := map[string]string{"quotaId": own.QuotaID,
			"quotaMetric": "generativelanguage.googleapis.com/requests"}
		details = append(details, struct {
			Type       string              `json:"@type"`
			Violations []map[string]string `json:"violations"`
		}{"type.googleapis.com/google.rpc.QuotaFailure",
			[]map[string]string{violation}})
	}
	if own.RetryDelay != "" {
		details = append(details, struct {
			Type  string `json:"@type"`
			Delay string `json:"retryDelay"`
		}{"type.googleapis.com/google.rpc.RetryInfo", own.RetryDelay})
	}
	type body struct {
		Code    int           `json:"code"`
		Message string        `json:"message"`
		Status  string        `json:"status"`
		Details []interface{} `json:"details,omitempty"`
	}
	return toJSON(map[string]body{
		"error": {status, e.message, e.kind, details}})
}

// azureErrorBody tells of its content filter when that is the code.
func azureErrorBody(status int, e vendorError, own *ErrorBody) []byte {
	type body struct {
		Message string          `json:"message"`
		Type    *string         `json:"type"`
		Param   *string         `json:"param"`
		Code    string          `json:"code"`
		Status  int             `json:"status,omitempty"`
		Inner   json.RawMessage `json:"innererror,omitempty"`
	}
	b := body{Message: e.message, Param: own.Param, Code: e.code}
	if e.kind != "" {
		b.Type = &e.kind
	}
	if e.code == "content_filter" {
		if own.Message == "" {
			b.Message = "The response was filtered due to the prompt " +
				"triggering Azure OpenAI's content management policy."
		}
		if b.Param == nil {
			prompt := "prompt"
			b.Param = &prompt
		}
		b.Status = status
		b.Inner = json.RawMessage(`{"code":"ResponsibleAIPolicyViolation",` +
			`"content_filter_result":` + filterResults(true) + `}`)
	}
	return toJSON(map[string]body{"error": b})
}

type openRouterError struct {
	Code     int               `json:"code"`
	Message  string            `json:"message"`
	Metadata map[string]string `json:"metadata"`
}

func openRouterErrorBody(status int, e vendorError) []byte {
	return toJSON(struct {
		Error  openRouterError `json:"error"`
		UserID string          `json:"user_id"`
	}{openRouterError{status, e.message,
		map[string]string{"error_type": e.code}}, "user_mock"})
}

// openRouterErrorChunk is how a stream breaks off: a chunk with an error and
// a choice.
func openRouterErrorChunk(model string, body []byte) []byte {
	var told struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &told) != nil {
		return body
	}
	return toJSON(struct {
		ID       string          `json:"id"`
		Object   string          `json:"object"`
		Created  int64           `json:"created"`
		Model    string          `json:"model"`
		Provider string          `json:"provider"`
		Error    json.RawMessage `json:"error"`
		Choices  json.RawMessage `json:"choices"`
	}{"gen-mock", "chat.completion.chunk", createdUnix, model, "Mock",
		told.Error, json.RawMessage(
			`[{"index":0,"delta":{"content":""},"finish_reason":"error"}]`)})
}
