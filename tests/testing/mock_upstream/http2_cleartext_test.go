//go:build go1.24

package main

import (
	"net/http"
	"testing"
)

// overHTTP2 makes the mock's client speak HTTP/2 by prior knowledge alone.
func overHTTP2(t *testing.T, m *mock) {
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	m.client.Transport = transport
}

func TestPlaintextSpeaksBothByPriorKnowledge(t *testing.T) {
	m := startMock(t, options{http2: true})
	if r := m.chat("m", ""); r.err != nil || r.Proto != "HTTP/1.1" {
		t.Error(r.err, r.Proto)
	}
	overHTTP2(t, m)
	for _, more := range []string{"", streamed} {
		if r := m.chat("m", more); r.err != nil || r.Proto != "HTTP/2.0" {
			t.Error(r.err, r.Proto)
		}
	}
	if n := m.figure("m", "served"); n != 3 {
		t.Errorf("served %d", n)
	}
}

func TestAConnectionCarriesNoMoreThanItsLimit(t *testing.T) {
	m := startMock(t, options{http2: true, http2Streams: 2})
	overHTTP2(t, m)
	m.script("m", `{"stall_after_chunks":1}`)
	for i := 0; i < 5; i++ {
		response, err := m.client.Do(m.request("/v1/chat/completions",
			chatBody("m", streamed)))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
	}
	if n := m.figure("", "connections.accepted"); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestAnAnswerCanEndItsConnectionInPeace(t *testing.T) {
	m := startMock(t, options{http2: true})
	overHTTP2(t, m)
	m.script("m", `{"headers":{"connection":"close"}}`)
	for i := 0; i < 3; i++ {
		if r := m.chat("m", streamed); r.err != nil {
			t.Error(r.err)
		}
		m.await("closed", "", int64(i+1))
	}
	if n := m.figure("", "connections.accepted"); n != 3 {
		t.Errorf("%d connections", n)
	}
}
