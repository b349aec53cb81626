package main

// vendor is whom an answer comes from, as far as its caller can tell.
type vendor int

const (
	vendorOpenAI vendor = iota
	vendorAnthropic
	vendorGemini
	vendorOllama
	vendorAzure
	vendorDeepSeek
	vendorOpenRouter
	vendors // how many there are
)

// styles are the vendors that speak OpenAI's format, each in its own manner.
var styles = map[string]vendor{
	"openai":     vendorOpenAI,
	"azure":      vendorAzure,
	"deepseek":   vendorDeepSeek,
	"openrouter": vendorOpenRouter,
}

// styled is the vendor in whose manner the step answers.
func (s *Step) styled(v vendor) vendor {
	style, ok := styles[s.Style]
	if !ok || v == vendorAnthropic || v == vendorGemini || v == vendorOllama {
		return v
	}
	return style
}

func (v vendor) streamType() string {
	switch v {
	case vendorOllama:
		return "application/x-ndjson"
	case vendorGemini:
		return "text/event-stream"
	}
	return "text/event-stream; charset=utf-8"
}

func (v vendor) wholeType() string {
	switch v {
	case vendorOllama:
		return "application/json; charset=utf-8"
	case vendorGemini:
		return "application/json; charset=UTF-8"
	}
	return "application/json"
}

// frame wraps one JSON text as an element of the vendor's streams.
func (v vendor) frame(json []byte) []byte {
	if v == vendorOllama {
		return append(append([]byte{}, json...), '\n')
	}
	return dataEvent(json)
}

// comment is what the vendor sends to keep a stream alive.
func (v vendor) comment() []byte {
	if v == vendorOpenRouter {
		return []byte(": OPENROUTER PROCESSING\n\n")
	}
	return []byte(": keep-alive\n\n")
}

// lineEnding is what the vendor ends the lines of its event streams with.
func (v vendor) lineEnding() string {
	if v == vendorGemini {
		return "crlf"
	}
	return "lf"
}

var openAIRates = []field{
	{"x-ratelimit-limit-requests", "10000"},
	{"x-ratelimit-remaining-requests", "9999"},
	{"x-ratelimit-reset-requests", "6ms"},
}

// vendorFields is the header of each vendor's answers.
var vendorFields = [vendors][]field{
	vendorOpenAI: append([]field{
		{"x-request-id", "req_mock"},
		{"openai-organization", "org-mock"},
		{"openai-processing-ms", "1"},
		{"openai-version", "2020-10-01"},
	}, openAIRates...),
	vendorAnthropic: {
		{"request-id", "req_mock"},
		{"anthropic-organization-id", "org-mock"},
		{"anthropic-ratelimit-requests-limit", "10000"},
		{"anthropic-ratelimit-requests-remaining", "9999"},
		{"anthropic-ratelimit-requests-reset", "2026-01-01T00:00:01Z"},
	},
	vendorGemini: {{"vary", "Origin"}, {"server", "scaffolding on HTTPServer2"}},
	vendorAzure: append([]field{
		{"apim-request-id", "apim-mock"},
		{"x-request-id", "req_mock"},
		{"x-ms-region", "Mock East"},
	}, openAIRates...),
	vendorDeepSeek:   {{"x-ds-trace-id", "trace-mock"}},
	vendorOpenRouter: {{"x-generation-id", "gen-mock"}},
}
