package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestPipelinedRequestsAreAnsweredInTurn(t *testing.T) {
	m := startMock(t, options{})
	m.script("slow", `{"text":"first","chunk_delay_ms":20,"chunks":2}`)
	m.script("fast", `{"text":"second"}`)
	answer, err := m.rawAnswer(rawChat("slow", streamed, "") +
		rawChat("fast", "", "Connection: close\r\n"))
	if err != nil || !strings.Contains(answer, "second") ||
		strings.Index(answer, "[DONE]") > strings.Index(answer, "second") {
		t.Error(answer, err)
	}
}

func TestMalformedRequestsAreRefusedAndCounted(t *testing.T) {
	m := startMock(t, options{})
	const path = "POST /v1/chat/completions HTTP/1.1\r\n"
	for i, bad := range []string{
		path + "\r\n",
		path + "Host: a\r\nHost: b\r\n\r\n",
		path + "Host: a\nContent-Length: 0\r\n\r\n",
		path + "Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		path + "Host: a\r\nContent-Length: 2\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		path + "Host: a\r\n folded: x\r\n\r\n",
		path + "Host: a\r\nna me: x\r\n\r\n",
		path + "Host: a\r\nx: a\x01b\r\n\r\n",
		path + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"no request at all\r\n\r\n",
	} {
		answer, _ := m.rawAnswer(bad)
		if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("%q: %q", bad, answer)
		}
		if n := m.figure("", "malformed"); n != int64(i+1) {
			t.Errorf("%q: counted %d", bad, n)
		}
	}
}

func TestChunkedAndExpectedBodiesArrive(t *testing.T) {
	m := startMock(t, options{})
	body := chatBody("m", "")
	answer, err := m.rawAnswer("POST /v1/chat/completions HTTP/1.1\r\n" +
		"Host: a\r\nContent-Type: application/json\r\n" +
		"Expect: 100-continue\r\nConnection: close\r\n" +
		"Transfer-Encoding: chunked\r\n\r\n" +
		fmt.Sprintf("3;x=y\r\n%s\r\n%x\r\n%s\r\n0\r\nT: 1\r\n\r\n", body[:3],
			len(body)-3, body[3:]))
	if err != nil || !strings.HasPrefix(answer,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK") {
		t.Error(answer, err)
	}
	if got := string(m.server.stats.model("m").lastBody()); got != body {
		t.Error(got)
	}
}

func TestOldAndClosingCallersGetTheirClose(t *testing.T) {
	m := startMock(t, options{})
	answer, err := m.rawAnswer(strings.Replace(rawChat("m", streamed, ""),
		"HTTP/1.1", "HTTP/1.0", 1))
	if err != nil || strings.Contains(answer, "chunked") ||
		!strings.Contains(answer, "data: [DONE]\n\n") {
		t.Error(answer, err)
	}
	answer, err = m.rawAnswer(rawChat("m", "", "Connection: close\r\n"))
	if err != nil || !strings.Contains(answer, "connection: close\r\n") {
		t.Error(answer, err)
	}
}

func TestWhatAVendorRefusesIsRefused(t *testing.T) {
	m := startMock(t, options{})
	for _, body := range []string{`{`, `[]`, `{"model":"m"}`,
		`{"model":"m","messages":[]}`, `{"messages":[1]}`,
		`{"model":"m","messages":[1],}`, `{"model":7,"messages":[1]}`} {
		r := m.send(m.request("/v1/chat/completions", body))
		if r.StatusCode != 400 || at(t, r.body, "error",
			"type") != "invalid_request_error" {
			t.Errorf("%s: %s", body, r.body)
		}
	}
	if r := m.send(m.request("/v1/messages", chatBody("m", ""))); !strings.
		Contains(r.body, "max_tokens") {
		t.Error(r.body)
	}
	plain := m.request("/v1/messages", chatBody("m", `,"max_tokens":1`))
	plain.Header.Del("Anthropic-Version")
	if r := m.send(plain); r.StatusCode != 400 {
		t.Error(r.body)
	}
	if r := m.send(m.request("/v1/nothing", `{}`)); r.StatusCode != 404 {
		t.Error(r.body)
	}
	if r := m.send(m.request("/v1/messages", "")); r.StatusCode != 405 {
		t.Error(r.body)
	}
	if n := m.figure("", "total.refused"); n != 11 {
		t.Errorf("refused %d", n)
	}
	lenient := startMock(t, options{anyRequest: true})
	if r := lenient.send(lenient.request("/v1/chat/completions",
		`{"model":"m"`)); r.StatusCode != 200 {
		t.Error(r.body)
	}
}

func TestABodyOnceCheckedIsStillToldFromAnother(t *testing.T) {
	m := startMock(t, options{})
	for i := 0; i < 3; i++ {
		if r := m.chat("m", ""); r.StatusCode != 200 {
			t.Error(r.body)
		}
		if r := m.chat("m", ",oops"); r.StatusCode != 400 {
			t.Error(r.body)
		}
	}
}

func TestManyCallersAreServedAtOnce(t *testing.T) {
	m := startMock(t, options{})
	m.script("s", `{"chunks":4,"chunk_delay_ms":1}`)
	var wait sync.WaitGroup
	for i := 0; i < 16; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for k := 0; k < 20; k++ {
				response, err := m.client.Post("http://"+m.address.HTTP+
					"/v1/chat/completions", "application/json",
					strings.NewReader(chatBody("s", streamed+
						`,"stream_options":{"include_usage":true}`)))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || !strings.HasSuffix(string(body),
					"data: [DONE]\n\n") {
					t.Error(err)
				}
			}
		}()
	}
	wait.Wait()
	r := m.server.stats.report().Models["s"]
	if r.Served != 320 || r.Chunks != 1280 || r.InFlight != 0 ||
		r.Usage.PromptTokens != 320*12 || r.Usage.CompletionTokens != 1280 {
		t.Errorf("%+v", r)
	}
}

func TestASlowReaderHoldsTheStreamBack(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"chunks":1000000,"chunk_bytes":1000}`)
	c, err := net.Dial("tcp", m.address.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	c.(*net.TCPConn).SetReadBuffer(4096)
	io.WriteString(c, rawChat("m", streamed, ""))
	m.await("chunks", "m", 10)
	c.Close()
	m.await("cancelled", "m", 1)
	if n := m.figure("m", "bytes_written"); n > 64<<20 {
		t.Errorf("%d bytes left for a reader who took none", n)
	}
}

func TestHeadersAreKeptAsWritten(t *testing.T) {
	m := startMock(t, options{})
	if _, err := m.rawAnswer(rawChat("m", "",
		"X-ODD:  two  \r\nx-odd: again\r\nConnection: close\r\n")); err !=
		nil {
		t.Fatal(err)
	}
	last := m.server.stats.model("m").lastReport()
	found := ""
	for _, h := range last.Headers {
		found += h[0] + "=" + h[1] + ";"
	}
	if !strings.Contains(found, "X-ODD=two;x-odd=again;") ||
		last.Method != http.MethodPost || *last.Body != chatBody("m", "") {
		t.Error(found, last)
	}
}
