package main

import (
	"strings"
	"testing"
)

// refused checks that each body is, with a message that holds a text.
func (m *mock) refused(path string, bodies map[string]string,
	message ...interface{}) {
	m.t.Helper()
	for body, want := range bodies {
		r := m.send(m.request(path, body))
		said, _ := at(m.t, r.body, message...).(string)
		if r.StatusCode != 400 || !strings.Contains(said, want) {
			m.t.Errorf("%s: %s, want %s", body, r.body, want)
		}
	}
}

func TestChatRefusesWhatTheVendorWould(t *testing.T) {
	m := startMock(t, options{})
	const calls = `{"role":"assistant","tool_calls":[{"id":"c",
		"type":"function","function":{"name":"f","arguments":"{}"}}]}`
	bodies := map[string]string{}
	for _, one := range [][2]string{
		{`{"role":"model","content":"x"}`, "messages[0].role"},
		{`{"role":"user","content":null}`, "messages[0].content"},
		{`{"role":"user","content":[{"type":"input_text"}]}`,
			"messages[0].content[0].type"},
		{`{"role":"user","content":[{"type":"image_url"}]}`,
			"messages[0].content[0].image_url"},
		{`{"role":"system","content":[{"type":"image_url"}]}`,
			"messages[0].content[0].type"},
		{`{"role":"assistant","tool_calls":[]}`, "messages[0].tool_calls"},
		{`{"role":"assistant","tool_calls":[{"type":"function"}]}`,
			"messages[0].tool_calls[0].id"},
		{strings.Replace(calls, `"{}"`, `{}`, 1),
			"messages[0].tool_calls[0].function.arguments"},
		{calls, "messages"},
		{calls + `,{"role":"user","content":"x"}`, "messages"},
		{calls + `,{"role":"tool","content":"x"}`, "messages[1].tool_call_id"},
		{`{"role":"tool","tool_call_id":"c","content":"x"}`,
			"messages[0].role"},
		{calls + `,{"role":"tool","tool_call_id":"d","content":"x"}`,
			"messages[1].role"},
	} {
		messages, param := one[0], one[1]
		bodies[`{"model":"m","messages":[`+messages+`]}`] = param
	}
	for _, one := range [][2]string{
		{`,"temperature":2.1`, "temperature"},
		{`,"top_p":"x"`, "top_p"},
		{`,"stop":["1","2","3","4","5"]`, "stop"},
		{`,"stream_options":{}`, "stream_options"},
		{`,"top_logprobs":3`, "top_logprobs"},
		{`,"tools":[]`, "tools"},
		{`,"tool_choice":"auto"`, "tool_choice"},
		{`,"parallel_tool_calls":true`, "parallel_tool_calls"},
		{`,"tools":[{"type":"function","name":"f"}]`, "tools[0].function.name"},
		{`,"response_format":{"type":"json_schema"}`,
			"response_format.json_schema.name"},
		{`,"response_format":{"type":"x"}`, "response_format.type"},
		{`,"tools":[{"type":"web_search"}]`, "tools[0].type"},
		{`,"tools":[{"type":"custom","custom":{"name":"a b"}}]`,
			"tools[0].custom.name"},
	} {
		more, param := one[0], one[1]
		bodies[chatBody("m", more)] = param
	}
	m.refused("/v1/chat/completions", bodies, "error", "param")
	if r := m.send(m.request("/v1/chat/completions", `{"model":"m",
		"messages":[{"role":"developer","content":[{"type":"text",
		"text":"x"}]},`+calls+`,{"role":"tool","tool_call_id":"c",
		"content":"x"}],"tools":[{"type":"function","function":{
		"name":"f"}}],"tool_choice":"auto","temperature":2,"stop":"x",
		"response_format":{"type":"json_object"}}`)); r.StatusCode != 200 {
		t.Error(r.body)
	}
}

func TestMannersHaveRefusalsOfTheirOwn(t *testing.T) {
	m := startMock(t, options{})
	m.refused("/chat/completions", map[string]string{
		chatBody("m", `,"response_format":{"type":"json_schema",
			"json_schema":{"name":"x"}}`): "response_format",
		`{"model":"m","messages":[{"role":"developer",
			"content":"x"}]}`: "developer",
		`{"model":"m","messages":[{"role":"assistant","tool_calls":[{
			"id":"c","type":"function","function":{"name":"f",
			"arguments":"{}"}}]},{"role":"tool","tool_call_id":"c",
			"content":"x"}]}`: "reasoning_content",
	}, "error", "message")
	m.refused("/api/v1/chat/completions", map[string]string{
		chatBody("m", `,"provider":{"vendor":"x"}`): "vendor",
	}, "error", "message")
	if r := m.azure(azureChat, chatBody("d",
		`,"reasoning_effort":"low"`)); r.StatusCode != 400 ||
		!strings.Contains(r.body, "reasoning_effort") {
		t.Error(r.body)
	}
}

func TestMessagesRefuseWhatTheVendorWould(t *testing.T) {
	m := startMock(t, options{})
	const calls = `{"role":"assistant","content":[{"type":"tool_use",
		"id":"c","name":"f","input":{}}]}`
	bodies := map[string]string{}
	for _, one := range [][2]string{
		{`{"role":"developer","content":"x"}`, "messages.0.role"},
		{`{"role":"user","content":null}`, "messages.0.content"},
		{`{"role":"user","content":""}`, "non-empty content"},
		{`{"role":"user","content":[{"type":"text","text":""}]}`,
			"must be non-empty"},
		{`{"role":"user","content":[{"type":"image_url"}]}`,
			"Input tag 'image_url'"},
		{`{"role":"user","content":[{"type":"image"}]}`, "image.source"},
		{`{"role":"user","content":[{"type":"thinking","thinking":"x"}]}`,
			"thinking.signature"},
		{`{"role":"user","content":[{"type":"image","source":{
			"type":"base64","media_type":"image/png","data":"!"}}]}`,
			"Invalid base64"},
		{calls, "without `tool_result`"},
		{calls + `,{"role":"user","content":"x"}`, "without `tool_result`"},
		{strings.Replace(calls, `"input":{}`, `"input":"{}"`, 1),
			"valid dictionary"},
		{strings.Replace(calls, `"id":"c"`, `"id":"c.1"`, 1), "should match"},
		{`{"role":"user","content":[{"type":"tool_result",
			"tool_use_id":"c"}]}`, "unexpected `tool_use_id`"},
	} {
		messages, want := one[0], one[1]
		bodies[`{"model":"m","max_tokens":9,"messages":[`+messages+`]}`] = want
	}
	const tools = `,"tools":[{"name":"f","input_schema":{"type":"object"}}]`
	for _, one := range [][2]string{
		{`,"temperature":1.1`, "temperature"},
		{`,"system":[{"type":"image"}]`, "system.0.type"},
		{`,"system":[{"type":"text","text":""}]`, "system"},
		{`,"stop_sequences":[" "]`, "non-whitespace"},
		{`,"tools":[{"type":"function","function":{}}]`, "tools.0: Input tag"},
		{`,"tools":[{"name":"a b","input_schema":{}}]`, "tools.0.custom.name"},
		{`,"tools":[{"name":"f","input_schema":{}}]`, "input_schema.type"},
		{`,"tool_choice":{"type":"auto"}`, "while providing tools"},
		{tools + `,"tool_choice":{"type":"required"}`, "tool_choice"},
		{tools + `,"tool_choice":{"type":"tool","name":"g"}`,
			"Tool 'g' not found"},
		{`,"thinking":{"type":"enabled","budget_tokens":5}`, "budget_tokens"},
		{`,"thinking":{"type":"enabled","budget_tokens":2000}`,
			"`max_tokens` must"},
		{tools + `,"thinking":{"type":"adaptive"},"tool_choice":{
			"type":"any"}`, "forces tool use"},
		{`,"output_config":{"format":{"type":"json_schema"}}`, "output_config"},
	} {
		more, want := one[0], one[1]
		bodies[chatBody("m", `,"max_tokens":1500`+more)] = want
	}
	m.refused("/v1/messages", bodies, "error", "message")
	if r := m.messages("m", tools+`,"system":[{"type":"text","text":"x"}],
		"tool_choice":{"type":"tool","name":"f"},
		"temperature":1`); r.StatusCode != 200 {
		t.Error(r.body)
	}
	if r := m.send(m.request("/v1/messages", `{"model":"m","max_tokens":9,
		"messages":[`+calls+`,{"role":"user","content":[{
		"type":"tool_result","tool_use_id":"c"}]},{"role":"assistant",
		"content":[]}]}`)); r.StatusCode != 200 {
		t.Error(r.body)
	}
}
