package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func (m *mock) control(method, path, body string) reply {
	m.t.Helper()
	r, err := http.NewRequest(method, "http://"+m.address.HTTP+path,
		strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	return m.send(r)
}

func TestStepsAreTakenInTurn(t *testing.T) {
	m := startMock(t, options{})
	if r := m.control("PUT", "/_mock/scripts/org%2Fm", `{"steps":[
		{"status":500,"times":2},{"status":429},{}]}`); r.StatusCode != 200 {
		t.Fatal(r.body)
	}
	statuses := ""
	for i := 0; i < 6; i++ {
		statuses += m.chat("org/m", "").Status[:3] + " "
	}
	if statuses != "500 500 429 200 200 200 " {
		t.Error(statuses)
	}
	m.control("PUT", "/_mock/scripts/org%2Fm",
		`{"cycle":true,"steps":[{"status":503},{"times":2}]}`)
	statuses = ""
	for i := 0; i < 7; i++ {
		statuses += m.chat("org/m", "").Status[:3] + " "
	}
	if statuses != "503 200 200 503 200 200 503 " {
		t.Error(statuses)
	}
}

func TestOneModelsScriptLeavesAnothersInItsPlace(t *testing.T) {
	m := startMock(t, options{})
	m.script("a", `[{"status":500},{}]`)
	m.chat("a", "")
	m.script("b", `{"status":503}`)
	if r := m.chat("a", ""); r.StatusCode != 200 {
		t.Error(r.Status)
	}
}

func TestDefaultPathAndHeaderChooseScripts(t *testing.T) {
	m := startMock(t, options{})
	m.script("*", `{"status":503}`)
	if r := m.chat("any", ""); r.StatusCode != 503 {
		t.Error(r.Status)
	}
	m.script("/v1/models", `{"status":401}`)
	if r := m.send(m.request("/v1/models", "")); r.StatusCode != 401 {
		t.Error(r.Status)
	}
	m.script("named", `{"text":"by header"}`)
	r := m.request("/v1/chat/completions", chatBody("any", ""))
	r.Header.Set("X-Mock-Script", "named")
	answer := m.send(r)
	if !strings.Contains(answer.body, "by header") ||
		at(t, answer.body, "model") != "any" {
		t.Error(answer.body)
	}
}

func TestBadScriptsAreRefused(t *testing.T) {
	m := startMock(t, options{})
	for bad, want := range map[string]string{
		`{"stauts":1}`:                   "stauts",
		`{"steps":[{"stauts":1}]}`:       "stauts",
		`[]`:                             "at least one",
		`[null]`:                         "null",
		`{"garbage":"x"}`:                "bad_utf8",
		`{"framing":"x"}`:                "chunked",
		`{"chunks":-1}`:                  "outside",
		`{"status":99}`:                  "outside",
		`{"headers":{"a":{}}}`:           "or strings",
		`{} {}`:                          "after",
		`{"steps":[{}],"cycle":"often"}`: "cycle",
	} {
		r := m.control("PUT", "/_mock/scripts/m", bad)
		if r.StatusCode != 400 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %s", bad, r.body)
		}
	}
}

func TestHeadersReplaceAndRepeat(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"headers":{"X-Request-Id":"own","set-cookie":["a","b"]}}`)
	h := m.chat("m", "").Header
	if len(h["X-Request-Id"]) != 1 || h.Get("X-Request-Id") != "own" ||
		len(h["Set-Cookie"]) != 2 {
		t.Error(h)
	}
}

func TestScriptFileIsLoadedAndRestored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scripts.json")
	if err := os.WriteFile(path, []byte(
		`{"scripts":{"m":{"status":503}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m := startMock(t, options{scriptFile: path})
	if r := m.chat("m", ""); r.StatusCode != 503 {
		t.Error(r.Status)
	}
	m.script("m", `{}`)
	m.control("POST", "/_mock/reset?keep_scripts=1", "")
	if r := m.chat("m", ""); r.StatusCode != 200 {
		t.Error(r.Status)
	}
	m.control("POST", "/_mock/reset", "")
	if m.figure("m", "requests") != 0 {
		t.Error("still counted")
	}
	if r := m.chat("m", ""); r.StatusCode != 503 {
		t.Error(r.Status)
	}
	if err := os.WriteFile(path, []byte(`{"scripts":{"m":{"x":1}}}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newServer(options{scriptFile: path}); err == nil ||
		!strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

func TestWaitTellsWhetherItWasReached(t *testing.T) {
	m := startMock(t, options{})
	m.chat("m", "")
	r := m.control("GET", "/_mock/wait?model=m&event=served&count=1", "")
	if r.StatusCode != 200 || at(t, r.body, "count") != 1.0 {
		t.Error(r.body)
	}
	r = m.control("GET",
		"/_mock/wait?model=m&event=served&count=2&timeout_ms=1", "")
	if r.StatusCode != 408 || at(t, r.body, "reached") != false {
		t.Error(r.body)
	}
	done := make(chan reply)
	go func() {
		done <- m.control("GET", "/_mock/wait?event=served&count=2", "")
	}()
	m.chat("other", "")
	if r := <-done; r.StatusCode != 200 {
		t.Error(r.body)
	}
	for _, bad := range []string{"event=nothing", "event=served&count=x",
		"event=served&timeout_ms=999999999"} {
		if r := m.control("GET", "/_mock/wait?"+bad, ""); r.StatusCode !=
			400 {
			t.Error(bad, r.body)
		}
	}
}

func TestFiguresAreFoundByName(t *testing.T) {
	m := startMock(t, options{})
	m.chat("m", "")
	for target, want := range map[string]string{
		"model=m&name=requests":                   "1",
		"model=m&name=statuses.200":               "1",
		"model=m&name=statuses.500":               "0",
		"name=total.usage.prompt_tokens":          "12",
		"model=m&name=paths./v1/chat/completions": "1",
		"model=unknown&name=requests":             "0",
		"name=connections.handshake_failed":       "0",
	} {
		if r := m.control("GET", "/_mock/stat?"+target, ""); r.body != want {
			t.Errorf("%s: %s", target, r.body)
		}
	}
	if r := m.control("GET", "/_mock/stat?name=nothing", ""); r.StatusCode !=
		404 {
		t.Error(r.body)
	}
	recent := m.server.stats.report().Models["m"].Recent
	if len(recent) != 1 || recent[0].Outcome != "served" ||
		recent[0].Status != 200 || recent[0].Reused {
		t.Error(recent)
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	m := startMock(t, options{})
	if _, err := m.rawAnswer(rawChat("m", "",
		"Connection: close\r\n")); err != nil {
		t.Fatal(err)
	}
	m.await("closed", "", 1)
	if m.figure("", "connections.accepted") != 1 ||
		m.figure("", "connections.open") != 0 {
		t.Error(m.server.stats.report().Connections)
	}
}

func TestLastIsNotFoundBeforeTheFirst(t *testing.T) {
	m := startMock(t, options{})
	if r := m.control("GET", "/_mock/last?model=m", ""); r.StatusCode != 404 {
		t.Error(r.body)
	}
	if r := m.control("GET", "/_mock/nothing", ""); r.StatusCode != 404 {
		t.Error(r.body)
	}
	if r := m.control("GET", "/_mock/scripts/m", ""); r.StatusCode != 405 {
		t.Error(r.body)
	}
	m.chat("m", "")
	if r := m.control("GET", "/_mock/last_body?model=m", ""); r.body !=
		chatBody("m", "") {
		t.Error(r.body)
	}
}
