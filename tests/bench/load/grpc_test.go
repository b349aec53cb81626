package main

import (
	"encoding/binary"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A gRPC server made of Go's own HTTP/2, which shares nothing with ours.
type grpcFake struct {
	server *httptest.Server
	caFile string
	calls  atomic.Int64

	textBytes int // of each event
	chunks    int
	outcome   byte
	status    string
	code      int
	holds     bool
}

func newGrpcFake(t *testing.T) *grpcFake {
	f := &grpcFake{textBytes: 16, chunks: 3, outcome: outcomeFinished,
		status: "0", code: 200}
	f.server = httptest.NewUnstartedServer(f)
	f.server.EnableHTTP2 = true
	f.server.StartTLS()
	t.Cleanup(f.server.Close)
	f.caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE",
		Bytes: f.server.Certificate().Raw}
	if err := os.WriteFile(f.caFile, pem.EncodeToMemory(block),
		0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

func prefixed(message []byte) []byte {
	prefix := make([]byte, 5)
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(message)))
	return append(prefix, message...)
}

func (f *grpcFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) < 5 ||
		int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 ||
		string(protoPath(body[5:], 1)) != "bench" ||
		r.Header.Get("te") != "trailers" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	text := []byte(strings.Repeat("x", f.textBytes))
	w.WriteHeader(f.code)
	switch r.URL.Path {
	case generatePath:
		part := appendBytes(nil, 1, text)
		message := appendBytes([]byte{1 << 3, 2}, 2, part)
		choice := appendBytes(nil, 2, message)
		_, _ = w.Write(prefixed(appendBytes(nil, 4, choice)))
	case streamGeneratePath:
		for i := 0; i < f.chunks; i++ {
			delta := appendBytes(nil, 3, text)
			_, _ = w.Write(prefixed(appendBytes(nil, 3, delta)))
		}
		if f.holds {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		if f.outcome != 0 {
			_, _ = w.Write(prefixed(appendBytes(nil, 6,
				[]byte{1 << 3, f.outcome})))
		}
	}
	f.calls.Add(1)
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", f.status)
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", "as told")
}

func (f *grpcFake) drive(t *testing.T, mode string, more ...string) (result,
	error) {
	t.Helper()
	args := append([]string{
		"--target=" + f.server.Listener.Addr().String(), "--protocol=grpc",
		"--tls", "--ca_file=" + f.caFile, "--mode=" + mode, "--chunks=3",
		"--connections=2", "--streams=4", "--warmup=0s",
		"--measured=100ms"}, more...)
	return driven(t, args)
}

func TestCountsGrpcCallsAsTheServerDoes(t *testing.T) {
	f := newGrpcFake(t)
	r, err := f.drive(t, modeUnary)
	if err != nil {
		t.Fatal(err)
	}
	expectCounted(t, r.Calls, f.calls.Load(), 2*4)
}

func TestMakesAsManyGrpcCallsAsItIsTold(t *testing.T) {
	f := newGrpcFake(t)
	r, err := f.drive(t, modeUnary, "--calls=21")
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls != 21 || f.calls.Load() != 21 {
		t.Errorf("%d calls, of which the server saw %d", r.Calls,
			f.calls.Load())
	}
}

func TestCountsGrpcChunks(t *testing.T) {
	f := newGrpcFake(t)
	r, err := f.drive(t, modeStream)
	if err != nil {
		t.Fatal(err)
	}
	expectCounted(t, r.Calls, f.calls.Load(), 2*4)
	expectCounted(t, int64(r.Chunks), 3*f.calls.Load(), 3*2*4)
	if r.FirstTextP50us <= 0 || r.P50us < r.FirstTextP50us {
		t.Errorf("first text after %v us, all after %v us",
			r.FirstTextP50us, r.P50us)
	}
}

func TestSendsPromptsLargerThanTheWindows(t *testing.T) {
	f := newGrpcFake(t)
	r, err := f.drive(t, modeUnary, "--prompt_bytes=3000000",
		"--measured=300ms")
	if err != nil {
		t.Fatal(err)
	}
	if f.calls.Load() == 0 {
		t.Error("no call", r)
	}
}

func TestReadsMessagesLargerThanAFrame(t *testing.T) {
	f := newGrpcFake(t)
	f.textBytes = 100000
	if _, err := f.drive(t, modeStream, "--chunk_bytes=100000"); err != nil {
		t.Fatal(err)
	}
}

func TestFailsOnWrongGrpcAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*grpcFake)
		mode  string
		want  string
	}{
		"status": {func(f *grpcFake) { f.status = "14" }, modeUnary,
			`gRPC status "14": as told`},
		"http":  {func(f *grpcFake) { f.code = 503 }, modeUnary, "503"},
		"empty": {func(f *grpcFake) { f.textBytes = 0 }, modeUnary, "0 bytes"},
		"chunk missing": {func(f *grpcFake) { f.chunks = 2 }, modeStream,
			"32 bytes of text"},
		"no end": {func(f *grpcFake) { f.outcome = 0 }, modeStream,
			"without its last event"},
		"bad end": {func(f *grpcFake) { f.outcome = 3 }, modeStream,
			"tells of a failure"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newGrpcFake(t)
			c.spoil(f)
			_, err := f.drive(t, c.mode)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestHoldsIdleGrpcStreams(t *testing.T) {
	f := newGrpcFake(t)
	f.holds, f.chunks = true, 1
	in, out := io.Pipe()
	time.AfterFunc(50*time.Millisecond, func() { out.Close() })
	var printed strings.Builder
	err := runLoad([]string{
		"--target=" + f.server.Listener.Addr().String(), "--protocol=grpc",
		"--tls", "--ca_file=" + f.caFile, "--mode=idle", "--connections=2",
		"--streams=5"}, in, &printed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(printed.String(), "ready\n") {
		t.Errorf("printed %q", printed.String())
	}
}
