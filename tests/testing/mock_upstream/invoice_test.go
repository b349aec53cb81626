package main

import (
	"encoding/json"
	"net/http"
	"testing"
)

func (m *mock) invoice() invoiceReport {
	m.t.Helper()
	var report invoiceReport
	r := m.control("GET", "/_mock/invoice", "")
	if err := json.Unmarshal([]byte(r.body), &report); err != nil {
		m.t.Fatal(r.body, err)
	}
	return report
}

// billed is the invoice once nothing is under way, which must have so many
// lines.
func (m *mock) billed(count int) []invoiceLine {
	m.t.Helper()
	for {
		report := m.invoice()
		if report.Open > 0 {
			continue
		}
		if len(report.Lines) != count {
			m.t.Fatalf("%d lines, not %d: %+v", len(report.Lines), count,
				report.Lines)
		}
		return report.Lines
	}
}

func TestInvoiceHasWhatWasServed(t *testing.T) {
	m := startMock(t, options{invoice: true})
	m.script("m", `{"text":"a b c","usage":{"prompt_tokens":31,
		"completion_tokens":17,"cached_tokens":5}}`)
	for _, more := range []string{"", `,"stream":true`} {
		r := m.request("/v1/messages",
			chatBody("m", `,"max_tokens":64`+more))
		r.Header.Set("X-Request-Id", "r"+more)
		if got := m.send(r); got.StatusCode != http.StatusOK {
			t.Fatal(got.body)
		}
	}
	for i, line := range m.billed(2) {
		want := invoiceLine{Model: "m", Path: "/v1/messages",
			RequestID: []string{"r", `r,"stream":true`}[i],
			Outcome:   "served", Tokens: line.Tokens}
		if line != want {
			t.Errorf("%+v, not %+v", line, want)
		}
		u := line.Tokens
		if u.PromptTokens != 31 || u.CompletionTokens != 17 ||
			u.CachedTokens != 5 {
			t.Errorf("%+v", u)
		}
	}
}

func TestInvoiceHasWhatWasLeftInTheMiddle(t *testing.T) {
	m := startMock(t, options{invoice: true})
	m.script("m", `{"chunks":100000,"chunk_delay_ms":1,
		"usage":{"prompt_tokens":31}}`)
	r := m.request("/v1/chat/completions", chatBody("m", `,"stream":true`))
	response, err := m.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	m.await("chunks", "m", 3)
	response.Body.Close()
	m.await("cancelled", "m", 1)
	line := m.billed(1)[0]
	if line.Outcome != "cancelled" || line.Tokens.PromptTokens != 31 ||
		line.Tokens.CompletionTokens != m.figure("m", "chunks") {
		t.Errorf("%+v", line)
	}
}

func TestInvoiceHasNoErrorsAndNothingThatNeverBegan(t *testing.T) {
	m := startMock(t, options{invoice: true})
	m.script("m", `[{"status":503},{"reset_before_first_byte":true},
		{"chunks":9,"reset_after_chunks":2}]`)
	m.chat("m", "")
	m.chat("m", "")
	m.chat("m", `,"stream":true`)
	m.send(m.request("/v1/models", ""))
	line := m.billed(1)[0]
	if line.Outcome != "aborted" || line.Tokens.CompletionTokens != 2 {
		t.Errorf("%+v", line)
	}
}

func TestEmbeddingsAreBilledByTheirInput(t *testing.T) {
	m := startMock(t, options{invoice: true})
	m.script("m", `{"usage":{"prompt_tokens":31,"completion_tokens":17,
		"cached_tokens":5}}`)
	m.send(m.request("/v1/embeddings", `{"model":"m","input":"a"}`))
	if line := m.billed(1)[0]; line.Tokens != (Usage{PromptTokens: 31}) {
		t.Errorf("%+v", line)
	}
}

func TestInvoiceIsKeptOnlyWhereItIsAskedFor(t *testing.T) {
	m := startMock(t, options{})
	m.chat("m", "")
	if r := m.control("GET", "/_mock/invoice", ""); r.StatusCode != 404 {
		t.Error(r.Status)
	}
}
