package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func optionsFor(t *testing.T, server *httptest.Server,
	more ...string) *options {
	t.Helper()
	o, err := parseFlags(append([]string{
		"--target=" + strings.TrimPrefix(server.URL, "http://"),
		"--warmup=0s", "--measured=500ms"}, more...))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEachGroupCallsAtItsRateWithKeysOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]int)
	server := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen[r.Header.Get("authorization")]++
		}))
	defer server.Close()
	results := run(optionsFor(t, server, "--key_prefix=sk-",
		"--group=few:2:10", "--group=many:1:100"))
	if few := results["few"]; few.Answered != 10 || few.Failed != 0 {
		t.Errorf("few: %+v", few)
	}
	if many := results["many"]; many.Answered != 50 || many.Failed != 0 {
		t.Errorf("many: %+v", many)
	}
	if seen["Bearer sk-few-0"] != 5 || seen["Bearer sk-few-1"] != 5 ||
		seen["Bearer sk-many-0"] != 50 {
		t.Errorf("keys: %v", seen)
	}
}

func TestModelsAreAskedForInTurn(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]int)
	server := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			var request struct{ Model string }
			err := json.NewDecoder(r.Body).Decode(&request)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				seen[request.Model]++
			}
		}))
	defer server.Close()
	run(optionsFor(t, server, "--model=a,b", "--group=all:1:20"))
	if seen["a"] != 5 || seen["b"] != 5 {
		t.Errorf("%v", seen)
	}
}

func TestASlowServerIsCalledNoLessOften(t *testing.T) {
	var calls atomic.Int64
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			<-release
		}))
	defer server.Close()
	defer close(release)
	results := run(optionsFor(t, server, "--deadline=200ms",
		"--group=all:1:100"))
	if all := results["all"]; all.Late != 50 || all.Answered != 0 {
		t.Errorf("%+v", all)
	}
	if calls.Load() != 50 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestRefusalsAndFailuresAreToldApart(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			statuses := []int{200, 503, 429, 500, 200}
			w.WriteHeader(statuses[int(calls.Add(1)-1)%len(statuses)])
		}))
	defer server.Close()
	all := run(optionsFor(t, server, "--group=all:1:10"))["all"]
	if all.Answered != 2 || all.Refused != 2 || all.Failed != 1 ||
		all.FirstFailure != "status 500" {
		t.Errorf("%+v", all)
	}
}

func TestPercentilesAreThoseOfTheSortedTimes(t *testing.T) {
	var times []time.Duration
	for i := 100; i > 0; i-- {
		times = append(times, time.Duration(i)*time.Millisecond)
	}
	if p50, p99 := percentiles(times); p50 != 51 || p99 != 100 {
		t.Errorf("%v, %v", p50, p99)
	}
}

func TestBadGroupsAreRefused(t *testing.T) {
	for _, text := range []string{"all", "all:0:1", "all:1:0", ":1:1", "a:b:1"} {
		if _, err := parseFlags([]string{"--target=h:1",
			"--group=" + text}); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
