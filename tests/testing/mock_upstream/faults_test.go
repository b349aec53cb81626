package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

const streamed = `,"stream":true`

func TestResetAndCloseBeforeTheFirstByte(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"reset_before_first_byte":true}`)
	answer, err := m.rawAnswer(rawChat("m", "", ""))
	if answer != "" || !errors.Is(err, syscall.ECONNRESET) {
		t.Error(answer, err)
	}
	m.script("m", `{"close_before_first_byte":true}`)
	if answer, err = m.rawAnswer(rawChat("m", "", "")); answer != "" ||
		err != nil {
		t.Error(answer, err)
	}
	m.await("aborted", "m", 2)
}

func TestOnlyAReusedConnectionIsClosed(t *testing.T) {
	m := startMock(t, options{})
	for _, fault := range []string{"close", "reset"} {
		m.script("m", `{"`+fault+`_reused_connection":true}`)
		// The first request is answered; the second finds the end.
		answer, err := m.rawAnswer(rawChat("m", "", "") +
			rawChat("m", "", ""))
		if strings.Count(answer, "HTTP/1.1 200") != 1 ||
			(err != nil) != (fault == "reset") {
			t.Error(fault, answer, err)
		}
	}
}

func TestCloseAfterAnAnswerIsNotAnnounced(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"close_after_answer":true}`)
	answer, err := m.rawAnswer(rawChat("m", "", ""))
	if err != nil || !strings.Contains(answer, "200 OK") ||
		strings.Contains(answer, "onnection: close") {
		t.Error(answer, err)
	}
}

func TestStreamsBreakOffAfterTheChunk(t *testing.T) {
	m := startMock(t, options{})
	for kind, wantErr := range map[string]bool{"reset": true, "close": true,
		"half_close": true, "error": false, "end": false} {
		for _, k := range []string{"0", "1", "3"} {
			m.server.stats.reset()
			m.script("m", `{"chunks":5,"chunk_bytes":4,"`+kind+
				`_after_chunks":`+k+`}`)
			r := m.chat("m", streamed)
			if (r.err != nil) != wantErr && kind != "reset" {
				t.Errorf("%s after %s: %v", kind, k, r.err)
			}
			if kind == "reset" && r.err == nil {
				t.Errorf("reset after %s: a proper end", k)
			}
			if strings.Contains(r.body, "[DONE]") {
				t.Errorf("%s after %s: %s", kind, k, r.body)
			}
			m.await("aborted", "m", 1)
			if got := m.figure("m", "chunks"); got != int64(k[0]-'0') {
				t.Errorf("%s after %s: %d chunks", kind, k, got)
			}
		}
	}
}

func TestErrorInTheMiddleSpeaksTheVendorsWords(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"error_after_chunks":1}`)
	events := parseSSE(m.chat("m", streamed).body)
	if last := events[len(events)-1]; at(t, last.data, "error",
		"type") != "server_error" {
		t.Error(last)
	}
	events = parseSSE(m.messages("m", streamed).body)
	if last := events[len(events)-1]; last.name != "error" || at(t,
		last.data, "error", "type") != "overloaded_error" {
		t.Error(last)
	}
}

func TestTerminatorAndFinishCanBeLeftOut(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"omit_terminator":true}`)
	if r := m.chat("m", streamed); r.err != nil || strings.Contains(r.body,
		"[DONE]") || !strings.Contains(r.body, `"finish_reason":"stop"`) {
		t.Error(r.body, r.err)
	}
	if r := m.messages("m", streamed); r.err != nil ||
		strings.Contains(r.body, "message_stop") ||
		!strings.Contains(r.body, "message_delta") {
		t.Error(r.body, r.err)
	}
	m.script("m", `{"omit_terminator":true,"omit_finish":true}`)
	if r := m.chat("m", streamed); strings.Contains(r.body, `"stop"`) {
		t.Error(r.body)
	}
	if r := m.messages("m", streamed); strings.Contains(r.body,
		"message_delta") {
		t.Error(r.body)
	}
}

func TestStallLastsUntilTheCallerLeaves(t *testing.T) {
	m := startMock(t, options{})
	for script, chunks := range map[string]int64{
		`{"stall_after_chunks":2}`:         2,
		`{"stall_before_first_byte":true}`: 0} {
		m.server.stats.reset()
		m.script("m", script)
		c, err := net.Dial("tcp", m.address.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, rawChat("m", streamed, ""))
		m.await("started", "m", 1)
		m.await("chunks", "m", chunks)
		if n := m.figure("m", "in_flight"); n != 1 {
			t.Errorf("%d in flight", n)
		}
		c.Close()
		m.await("cancelled", "m", 1)
		if n := m.figure("m", "served"); n != 0 {
			t.Error("served")
		}
	}
}

func TestCancelIsNoticedBetweenChunks(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"chunks":1000,"chunk_delay_ms":3600000}`)
	c, err := net.Dial("tcp", m.address.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, rawChat("m", streamed, ""))
	m.await("chunks", "m", 1)
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
	m.await("cancelled", "m", 1)
}

func TestDelaysComeBeforeHeadAndChunks(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"chunks":3,"first_byte_delay_ms":40,
		"chunk_delay_ms":30}`)
	begun := time.Now()
	r := m.chat("m", streamed)
	if took := time.Since(begun); took < 100*time.Millisecond {
		t.Errorf("took %v", took)
	}
	if r.err != nil || m.figure("m", "served") != 1 {
		t.Error(r.err)
	}
}

func TestSplittingChangesNoByte(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"text":"Grüße 😀"}`)
	want := m.chat("m", streamed).body
	wantWhole := m.chat("m", "").body
	for _, more := range []string{`"split_bytes":1`, `"split_bytes":7`,
		`"split_at":13`, `"wire_split_bytes":3`, `"events_per_write":4`,
		`"framing":"close"`, `"framing":"content_length"`,
		`"garbage":"both_lengths"`} {
		m.script("m", `{"text":"Grüße 😀",`+more+`}`)
		if r := m.chat("m", streamed); r.body != want && !strings.Contains(
			more, "both") {
			t.Errorf("%s: %v %s", more, r.err, r.body)
		}
		if r := m.chat("m", ""); r.body != wantWhole && !strings.Contains(
			more, "both") {
			t.Errorf("%s: %v %s", more, r.err, r.body)
		}
	}
}

func TestChunksOfTheWireHaveTheSplitSize(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"split_bytes":5}`)
	answer, _ := m.rawAnswer(rawChat("m", streamed, "Connection: close\r\n"))
	body := answer[strings.Index(answer, "\r\n\r\n")+4:]
	if !strings.HasPrefix(body, "5\r\ndata:\r\n5\r\n") {
		t.Errorf("%q", body[:40])
	}
}

func TestDripGoesByteByByte(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"body":"0123456789","drip_ms":5}`)
	begun := time.Now()
	r := m.chat("m", "")
	if r.body != "0123456789" || time.Since(begun) < 45*time.Millisecond {
		t.Error(r.body, time.Since(begun))
	}
}

func TestWritingStylesMeanTheSame(t *testing.T) {
	m := startMock(t, options{})
	canonical := func(events []sseEvent) string {
		text := ""
		for _, e := range events {
			var b bytes.Buffer
			if json.Compact(&b, []byte(e.data)) != nil {
				b.WriteString(e.data)
			}
			text += e.name + " " + b.String() + "\n"
		}
		return text
	}
	for _, send := range []func(string, string) reply{m.chat, m.messages} {
		m.script("m", `{}`)
		want := canonical(parseSSE(send("m", streamed).body))
		for _, style := range []string{`"line_ending":"crlf"`,
			`"line_ending":"cr"`, `"line_ending":"mixed"`, `"bom":true`,
			`"comments":2`, `"multi_line_data":true`, `"no_space":true`,
			`"line_ending":"mixed","bom":true,"multi_line_data":true`} {
			m.script("m", `{`+style+`}`)
			body := send("m", streamed).body
			if got := canonical(parseSSE(body)); got != want {
				t.Errorf("%s: %s", style, got)
			}
		}
	}
}

func TestGarbageIsWhatItSays(t *testing.T) {
	m := startMock(t, options{})
	has := func(part string) func(reply) bool {
		return func(r reply) bool { return strings.Contains(r.body, part) }
	}
	for _, one := range []struct {
		garbage string
		more    string
		ok      func(reply) bool
	}{
		{"bad_utf8", streamed, func(r reply) bool {
			return !utf8.ValidString(r.body)
		}},
		{"bad_utf8", "", func(r reply) bool {
			return !utf8.ValidString(r.body)
		}},
		{"nul_bytes", streamed, has("\x00\x00")},
		{"split_code_point", streamed, has("😀")},
		{"huge_line", streamed, func(r reply) bool {
			return len(r.body) > hugeLineBytes
		}},
		{"html", streamed, func(r reply) bool {
			return r.body == htmlPage && r.StatusCode == 200 &&
				strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
		}},
		{"wrong_content_type", streamed, func(r reply) bool {
			return r.Header.Get("Content-Type") == "application/octet-stream"
		}},
		{"duplicate_finish", streamed, func(r reply) bool {
			return strings.Count(r.body, `"finish_reason":"stop"`) == 2
		}},
		{"negative_usage", "", has(`"prompt_tokens":-12`)},
		{"invalid_json", streamed, has("{\"del\n\n")},
		{"invalid_json", "", func(r reply) bool {
			return !json.Valid([]byte(r.body))
		}},
		{"wrong_shape", "", has(`"choices":"none"`)},
		{"empty_body", "", func(r reply) bool {
			return r.body == "" && r.err == nil
		}},
		{"data_after_done", streamed, func(r reply) bool {
			return strings.Index(r.body, "late") >
				strings.Index(r.body, "[DONE]")
		}},
		{"short_body", "", func(r reply) bool {
			return errors.Is(r.err, io.ErrUnexpectedEOF)
		}},
		{"bad_status_line", "", func(r reply) bool { return r.err != nil }},
		{"bad_header_line", "", func(r reply) bool { return r.err != nil }},
		{"bad_chunk_size", "", func(r reply) bool { return r.err != nil }},
	} {
		m.script("m", `{"garbage":"`+one.garbage+`"}`)
		if r := m.chat("m", one.more); !one.ok(r) {
			t.Errorf("%s: %v %.300q", one.garbage, r.err, r.body)
		}
	}
}

func TestOversizeAndContradictoryHeads(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"garbage":"oversize_headers","garbage_bytes":70000}`)
	const end = "Connection: close\r\n"
	answer, _ := m.rawAnswer(rawChat("m", "", end))
	if strings.Index(answer, "\r\n\r\n") < 70000 {
		t.Error("a small head")
	}
	m.script("m", `{"garbage":"both_lengths"}`)
	answer, _ = m.rawAnswer(rawChat("m", "", end))
	if !strings.Contains(answer, "content-length") ||
		!strings.Contains(answer, "transfer-encoding: chunked") {
		t.Error(answer)
	}
}

func TestStatusesHaveTheVendorsBodies(t *testing.T) {
	m := startMock(t, options{})
	for status, kinds := range map[string][2]string{
		"400": {"invalid_request_error", "invalid_request_error"},
		"401": {"invalid_request_error", "authentication_error"},
		"402": {"insufficient_quota", "billing_error"},
		"403": {"permission_error", "permission_error"},
		"404": {"invalid_request_error", "not_found_error"},
		"408": {"server_error", "timeout_error"},
		"409": {"invalid_request_error", "conflict_error"},
		"413": {"invalid_request_error", "request_too_large"},
		"429": {"rate_limit_error", "rate_limit_error"},
		"500": {"server_error", "api_error"},
		"502": {"server_error", "api_error"},
		"503": {"service_unavailable_error", "api_error"},
		"504": {"server_error", "timeout_error"},
		"529": {"service_unavailable_error", "overloaded_error"},
		"599": {"server_error", "api_error"},
	} {
		m.script("m", `{"status":`+status+`}`)
		for i, r := range []reply{m.chat("m", streamed),
			m.messages("m", "")} {
			if at(t, r.body, "error", "type") != kinds[i] ||
				!strings.HasPrefix(r.Status, status) {
				t.Errorf("%s: %s %s", status, r.Status, r.body)
			}
		}
		if n := m.figure("m", "statuses."+status); n != 2 {
			t.Errorf("%s: counted %d", status, n)
		}
	}
}

func TestErrorsCanBeWorded(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"status":429,"error":{"code":"insufficient_quota"}}`)
	if r := m.chat("m", ""); at(t, r.body, "error",
		"type") != "insufficient_quota" {
		t.Error(r.body)
	}
	m.script("m", `{"status":400,"error":{"type":"t","code":"c","param":"p",
		"message":"m"}}`)
	if r := m.chat("m", ""); r.body !=
		`{"error":{"message":"m","type":"t","param":"p","code":"c"}}` {
		t.Error(r.body)
	}
}

func TestRetryHeadersAreSentVerbatim(t *testing.T) {
	m := startMock(t, options{})
	for _, value := range []string{"7", "0", "-1", "1e9", "junk", ""} {
		m.script("m", `{"status":429,"retry_after":"`+value+
			`","retry_after_ms":"`+value+`"}`)
		h := m.chat("m", "").Header
		if h.Get("Retry-After") != value ||
			h.Get("Retry-After-Ms") != value || len(h["Retry-After"]) != 1 {
			t.Error(value, h)
		}
	}
	m.script("m", `{"status":429,"retry_after_date_s":30}`)
	date, err := http.ParseTime(m.chat("m", "").Header.Get("Retry-After"))
	if left := time.Until(date); err != nil || left < 20*time.Second ||
		left > 31*time.Second {
		t.Error(date, err)
	}
}

func TestRedirectsKeysAndInformation(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"status":307,"location":"http://elsewhere/x"}`)
	if r := m.chat("m", ""); r.StatusCode != 307 ||
		r.Header.Get("Location") != "http://elsewhere/x" {
		t.Error(r.Status, r.Header)
	}
	m.script("m", `{"require_key":"sk-1"}`)
	if r := m.chat("m", ""); r.StatusCode != 401 || at(t, r.body, "error",
		"code") != "invalid_api_key" {
		t.Error(r.body)
	}
	request := m.request("/v1/chat/completions", chatBody("m", ""))
	request.Header.Set("Authorization", "Bearer sk-1")
	if r := m.send(request); r.StatusCode != 200 {
		t.Error(r.body)
	}
	m.script("m", `{"inform":[103,100]}`)
	answer, _ := m.rawAnswer(rawChat("m", "", "Connection: close\r\n"))
	r := bufio.NewReader(strings.NewReader(answer))
	for _, want := range []string{"HTTP/1.1 103", "", "HTTP/1.1 100", "",
		"HTTP/1.1 200"} {
		if line, _ := r.ReadString('\n'); !strings.HasPrefix(line, want) {
			t.Errorf("%q, want %q", line, want)
		}
	}
}
