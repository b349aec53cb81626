package main

// vendorError is what a vendor says along with a status.
type vendorError struct{ kind, code, message string }

var openAIErrors = map[int]vendorError{
	400: {"invalid_request_error", "", "Invalid request."},
	401: {"invalid_request_error", "invalid_api_key",
		"Incorrect API key provided."},
	402: {"insufficient_quota", "credit_balance_exhausted",
		"Your credit balance is exhausted."},
	403: {"permission_error", "unsupported_country_region_territory",
		"Country, region, or territory not supported."},
	404: {"invalid_request_error", "model_not_found",
		"The model does not exist."},
	405: {"invalid_request_error", "", "Method not allowed."},
	408: {"server_error", "timeout", "Request timed out."},
	409: {"invalid_request_error", "", "Conflict."},
	413: {"invalid_request_error", "", "Request too large."},
	422: {"invalid_request_error", "", "Unprocessable entity."},
	429: {"rate_limit_error", "rate_limit_exceeded",
		"Rate limit reached for requests."},
	500: {"server_error", "", "The server had an error."},
	502: {"server_error", "", "Bad gateway."},
	503: {"service_unavailable_error", "server_is_overloaded",
		"The engine is currently overloaded."},
	504: {"server_error", "timeout", "Gateway timeout."},
	529: {"service_unavailable_error", "server_is_overloaded", "Overloaded."},
}

// Errors that share a status with a more usual one, by code.
var openAICodes = map[string]vendorError{
	"insufficient_quota": {"insufficient_quota", "insufficient_quota",
		"You exceeded your current quota."},
	"context_length_exceeded": {"invalid_request_error",
		"context_length_exceeded",
		"This model's maximum context length is 8192 tokens."},
	"content_policy_violation": {"invalid_request_error",
		"content_policy_violation", "The prompt was rejected."},
	"slow_down": {"service_unavailable_error", "slow_down", "Slow down."},
}

var anthropicErrors = map[int]vendorError{
	400: {"invalid_request_error", "", "Invalid request."},
	401: {"authentication_error", "", "invalid x-api-key"},
	402: {"billing_error", "", "Your credit balance is too low."},
	403: {"permission_error", "", "Not permitted."},
	404: {"not_found_error", "", "Not found."},
	405: {"invalid_request_error", "", "Method Not Allowed"},
	408: {"timeout_error", "", "Request timed out."},
	409: {"conflict_error", "", "Conflict."},
	413: {"request_too_large", "", "Request exceeds the maximum size."},
	422: {"invalid_request_error", "", "Unprocessable entity."},
	429: {"rate_limit_error", "",
		"Number of requests has exceeded your rate limit."},
	500: {"api_error", "", "Internal server error"},
	502: {"api_error", "", "Bad gateway"},
	503: {"api_error", "", "Service unavailable"},
	504: {"timeout_error", "", "Gateway timeout"},
	529: {"overloaded_error", "", "Overloaded"},
}

// errorTables are what vendors say; the others say what OpenAI does.
var errorTables = [vendors]map[int]vendorError{
	vendorOpenAI:     openAIErrors,
	vendorAnthropic:  anthropicErrors,
	vendorGemini:     geminiErrors,
	vendorOllama:     ollamaErrors,
	vendorAzure:      azureErrors,
	vendorDeepSeek:   deepSeekErrors,
	vendorOpenRouter: openRouterErrors,
}

func errorFor(v vendor, status int, own *ErrorBody) vendorError {
	fallback := 400
	if status >= 500 {
		fallback = 500
	}
	e, ok := errorTables[v][status]
	if !ok {
		e = errorTables[v][fallback]
	}
	if own == nil {
		return e
	}
	if own.Code != nil {
		e.code = *own.Code
		if known, ok := openAICodes[e.code]; ok && v == vendorOpenAI {
			e = known
		}
	}
	if own.Type != "" {
		e.kind = own.Type
	}
	if own.Message != "" {
		e.message = own.Message
	}
	return e
}

type openAIError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

type anthropicError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

type anthropicErrorBody struct {
	Type      string         `json:"type"`
	Error     anthropicError `json:"error"`
	RequestID string         `json:"request_id"`
}

// errorBody is the vendor's error object, as a body or as a stream's event.
func errorBody(v vendor, status int, own *ErrorBody) []byte {
	e := errorFor(v, status, own)
	if own == nil {
		own = &ErrorBody{}
	}
	switch v {
	case vendorAnthropic:
		return toJSON(anthropicErrorBody{"error",
			anthropicError{e.kind, e.message}, "req_mock"})
	case vendorGemini:
		return geminiErrorBody(status, e, own)
	case vendorOllama:
		return toJSON(map[string]string{"error": e.message})
	case vendorAzure:
		return azureErrorBody(status, e, own)
	case vendorOpenRouter:
		return openRouterErrorBody(status, e)
	}
	return toJSON(struct {
		Error openAIError `json:"error"`
	}{openAIErrorOf(e, own)})
}

func openAIErrorOf(e vendorError, own *ErrorBody) openAIError {
	body := openAIError{Message: e.message, Type: e.kind, Param: own.Param}
	if e.code != "" {
		body.Code = &e.code
	}
	return body
}
