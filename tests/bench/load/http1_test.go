package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func driven(t *testing.T, args []string) (result, error) {
	t.Helper()
	var out bytes.Buffer
	err := runLoad(args, strings.NewReader(""), &out)
	var r result
	if out.Len() > 0 {
		if e := json.Unmarshal(out.Bytes(), &r); e != nil {
			t.Fatal(e)
		}
	}
	return r, err
}

// What the server has answered is what was counted, but for the calls that
// were in flight when the time was over.
func expectCounted(t *testing.T, counted, served, inFlight int64) {
	t.Helper()
	if counted == 0 || counted > served || counted < served-inFlight {
		t.Errorf("counted %d, served %d, in flight %d", counted, served,
			inFlight)
	}
}

const event = `data: {"choices":[{"delta":{"content":"%s"}}]}` + "\n\n"

// A server of Go's own HTTP/1.1.
type httpFake struct {
	server *httptest.Server
	calls  atomic.Int64

	status int
	answer string
	chunks int
	done   string
	holds  bool
	breaks bool
}

func newHTTPFake(t *testing.T) *httpFake {
	f := &httpFake{status: 200, answer: `{"choices":[{}]}`, chunks: 3,
		done: "data: [DONE]\n\n"}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *httpFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Model    string
		Stream   bool
		Messages []struct{ Role, Content string }
	}
	err := json.NewDecoder(r.Body).Decode(&request)
	if err != nil || request.Model != "bench" ||
		r.Header.Get("authorization") != "Bearer key" ||
		len(request.Messages) != 1 || len(request.Messages[0].Content) != 1024 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(f.status)
	if !request.Stream {
		_, _ = io.WriteString(w, f.answer)
	} else {
		for i := 0; i < f.chunks; i++ {
			fmt.Fprintf(w, event, strings.Repeat("x", 16))
			w.(http.Flusher).Flush()
		}
		if f.holds {
			<-r.Context().Done()
		}
		if f.breaks {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, f.done)
	}
	f.calls.Add(1)
}

func (f *httpFake) drive(t *testing.T, mode string) (result, error) {
	t.Helper()
	return driven(t, []string{
		"--target=" + f.server.Listener.Addr().String(), "--mode=" + mode,
		"--chunks=3", "--connections=4", "--key=key", "--warmup=0s",
		"--measured=100ms", fmt.Sprintf("--cpu_pids=%d", os.Getpid())})
}

func TestCountsHTTPCallsAsTheServerDoes(t *testing.T) {
	f := newHTTPFake(t)
	r, err := f.drive(t, modeUnary)
	if err != nil {
		t.Fatal(err)
	}
	expectCounted(t, r.Calls, f.calls.Load(), 4)
	if r.CPUSeconds <= 0 || r.P50us <= 0 || r.P99us < r.P50us {
		t.Errorf("figures without sense: %+v", r)
	}
}

func TestMakesAsManyCallsAsItIsTold(t *testing.T) {
	f := newHTTPFake(t)
	r, err := driven(t, []string{
		"--target=" + f.server.Listener.Addr().String(), "--mode=unary",
		"--connections=4", "--key=key", "--calls=101"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls != 101 || f.calls.Load() != 101 {
		t.Errorf("%d calls, of which the server saw %d", r.Calls,
			f.calls.Load())
	}
}

func TestCountsEventStreamChunks(t *testing.T) {
	f := newHTTPFake(t)
	r, err := f.drive(t, modeStream)
	if err != nil {
		t.Fatal(err)
	}
	expectCounted(t, r.Calls, f.calls.Load(), 4)
	expectCounted(t, int64(r.Chunks), 3*f.calls.Load(), 3*4)
}

func TestFailsOnWrongHTTPAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*httpFake)
		mode  string
		want  string
	}{
		"status": {func(f *httpFake) { f.status = 502 }, modeUnary,
			"status 502"},
		"no completion": {func(f *httpFake) { f.answer = "{}" }, modeUnary,
			"not a completion"},
		"chunk missing": {func(f *httpFake) { f.chunks = 2 }, modeStream,
			"32 bytes of text"},
		"no end": {func(f *httpFake) { f.done = "" }, modeStream,
			"without data: [DONE]"},
		"broken off": {func(f *httpFake) { f.breaks = true }, modeStream,
			"cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newHTTPFake(t)
			f.server.Config.ErrorLog = nil
			c.spoil(f)
			_, err := f.drive(t, c.mode)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestFailsWhenNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	_, err = driven(t, []string{"--target=" + listener.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

func TestHoldsIdleEventStreams(t *testing.T) {
	f := newHTTPFake(t)
	f.holds, f.chunks = true, 1
	in, out := io.Pipe()
	time.AfterFunc(50*time.Millisecond, func() { out.Close() })
	var printed strings.Builder
	err := runLoad([]string{"--mode=idle", "--connections=8", "--key=key",
		"--target=" + f.server.Listener.Addr().String()}, in, &printed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(printed.String(), "ready\n") {
		t.Errorf("printed %q", printed.String())
	}
}

func TestTellsOfAnIdleStreamThatEnds(t *testing.T) {
	f := newHTTPFake(t)
	in, out := io.Pipe()
	defer out.Close()
	var printed strings.Builder
	err := runLoad([]string{"--mode=idle", "--connections=1", "--key=key",
		"--target=" + f.server.Listener.Addr().String()}, in, &printed)
	if err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("got %v", err)
	}
}

func TestReadsChunksHoweverTheyAreSplit(t *testing.T) {
	const body = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
	for split := 1; split < len(body); split++ {
		near, far := net.Pipe()
		go func() {
			_, _ = io.WriteString(far, body[:split])
			_, _ = io.WriteString(far, body[split:])
			far.Close()
		}()
		h := newHTTP1Caller(&load{meter: &meter{}}, near)
		got, err := io.ReadAll(h.bodyOf(answerHead{chunked: true}))
		if err != nil || string(got) != "hello world" {
			t.Errorf("split at %d: %q, %v", split, got, err)
		}
	}
}

func TestMeasuresTheCPUOfAProcess(t *testing.T) {
	pids := []int{os.Getpid()}
	before, err := cpuOf(pids)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for time.Since(began) < 50*time.Millisecond {
	}
	after, err := cpuOf(pids)
	if err != nil || after <= before {
		t.Errorf("%v before, %v after, %v", before, after, err)
	}
	// Above the largest number that Linux gives to a process.
	if _, err := cpuOf([]int{4194305}); err == nil {
		t.Error("a process that does not exist has used CPU")
	}
}

func TestReadsACounter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counter")
	if _, err := counterIn(path); err == nil {
		t.Error("a file that is not there")
	}
	for bytes, want := range map[string]uint64{
		"\x01\x02\x00\x00\x00\x00\x00\x00":     0x201,
		"\xff\xff\xff\xff\xff\xff\xff\xffmore": 1<<64 - 1,
	} {
		if err := os.WriteFile(path, []byte(bytes), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := counterIn(path); err != nil || got != want {
			t.Errorf("%q: %d, %v", bytes, got, err)
		}
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := counterIn(path); err == nil {
		t.Error("half a number")
	}
	if got, err := counterIn(""); err != nil || got != 0 {
		t.Errorf("no file: %d, %v", got, err)
	}
}

func TestFindsPercentiles(t *testing.T) {
	var d []time.Duration
	for i := 100; i > 0; i-- {
		d = append(d, time.Duration(i)*time.Microsecond)
	}
	p50, p99 := percentiles(d)
	if p50 != 51 || p99 != 100 {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
}
