package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startTLS starts a mock with a TLS listener and points the client there.
func startTLS(t *testing.T, http2 bool) *mock {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1),
		Subject:     pkix.Name{CommonName: "mock"},
		NotAfter:    time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template,
		&key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{
			Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	m := startMock(t, options{tlsListen: "127.0.0.1:0", http2: http2,
		tlsCert: write("cert", "CERTIFICATE", der),
		tlsKey:  write("key", "EC PRIVATE KEY", keyDER)})
	transport := &http.Transport{ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	m.client.Transport = toTLS{transport, m.address.HTTPS}
	return m
}

// toTLS sends what was meant for the plaintext listener to the other.
type toTLS struct {
	http.RoundTripper
	address string
}

func (r toTLS) RoundTrip(q *http.Request) (*http.Response, error) {
	q.URL.Scheme, q.URL.Host = "https", r.address
	return r.RoundTripper.RoundTrip(q)
}

func TestTLSSpeaksTheProtocolChosen(t *testing.T) {
	for http2, want := range map[bool]string{false: "HTTP/1.1",
		true: "HTTP/2.0"} {
		m := startTLS(t, http2)
		for _, more := range []string{"", streamed} {
			r := m.chat("m", more)
			if r.err != nil || r.Proto != want || r.StatusCode != 200 {
				t.Errorf("%v: %v %s", http2, r.err, r.Proto)
			}
		}
		last := m.server.stats.model("m").lastReport()
		if !last.Secure || last.Proto != want || !last.Reused ||
			*last.Body != chatBody("m", streamed) {
			t.Errorf("%+v", last)
		}
		if n := m.figure("m", "served"); n != 2 {
			t.Errorf("served %d", n)
		}
	}
}

func TestPausesDoNotHurtTLS(t *testing.T) {
	m := startTLS(t, false)
	m.script("m", `{"chunks":5,"chunk_delay_ms":3}`)
	for i := 0; i < 3; i++ {
		if r := m.chat("m", streamed); r.err != nil || !strings.HasSuffix(
			r.body, "[DONE]\n\n") {
			t.Error(r.err)
		}
	}
	if n := m.figure("", "connections.accepted"); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestFaultsOverHTTP2(t *testing.T) {
	m := startTLS(t, true)
	m.script("m", `{"reset_after_chunks":2}`)
	if r := m.chat("m", streamed); r.err == nil {
		t.Error("a proper end")
	}
	m.await("aborted", "m", 1)
	m.script("m", `{}`)
	if r := m.chat("m", streamed); r.err != nil {
		t.Error(r.err)
	}
	if n := m.figure("", "connections.accepted"); n != 1 {
		t.Error("a reset stream took the connection with it")
	}
	m.script("m", `{"close_after_chunks":1}`)
	if r := m.chat("m", streamed); r.err == nil {
		t.Error("a proper end")
	}
	m.script("m", `{"stall_after_chunks":1}`)
	response, err := m.client.Do(m.request("/v1/chat/completions",
		chatBody("m", streamed)))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	m.await("cancelled", "m", 1)
}

func TestFailedHandshakesAreCounted(t *testing.T) {
	m := startTLS(t, false)
	_, err := tls.Dial("tcp", m.address.HTTPS, &tls.Config{RootCAs: x509.
		NewCertPool(), ServerName: "127.0.0.1"})
	if err == nil {
		t.Fatal("trusted")
	}
	m.await("handshake_failed", "", 1)
}

// counting counts the bytes that arrive.
type counting struct {
	net.Conn
	bytes int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes += n
	return n, err
}

// Go reads a truncated stream that ends with a record as a proper one, so the
// goodbye is told by its bytes.
func TestTruncatedTLSLacksItsGoodbye(t *testing.T) {
	m := startTLS(t, false)
	arrived := func(truncate string) int {
		m.script("m", `{"close_after_chunks":1,"framing":"close",
			"tls_truncate":`+truncate+`}`)
		plain, err := net.Dial("tcp", m.address.HTTPS)
		if err != nil {
			t.Fatal(err)
		}
		count := &counting{Conn: plain}
		c := tls.Client(count, &tls.Config{InsecureSkipVerify: true,
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{
				tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
			SessionTicketsDisabled: true})
		defer c.Close()
		io.WriteString(c, rawChat("m", streamed, ""))
		if _, err := io.ReadAll(c); err != nil {
			t.Error(err)
		}
		return count.bytes
	}
	// ECDSA signatures vary by a byte or two; an alert takes 31.
	if without, with := arrived("true"), arrived("false"); with-without <
		20 {
		t.Errorf("%d bytes without, %d with", without, with)
	}
}
