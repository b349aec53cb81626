// Arrivals calls a server of chat completions at rates of its own choosing,
// however slowly it answers, as many callers do who do not know of each other.
//
//	arrivals --target=127.0.0.1:8080 --model=slow --measured=60s
//	         --group=patient:99:4 --group=greedy:1:400
//
// A group is a name, so many callers, and how often each of them calls in a
// second. Caller i of a group shows the key `NAME-i` behind --key_prefix. Calls
// are spread evenly, and a call's time counts from when it was due, so that a
// server that stalls does not slow down who measures it.
//
// The result is one line of JSON on standard output, with each group's figures.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Answers are read and dropped; none is longer.
const answerBytesMax = 1 << 20

type group struct {
	name    string
	callers int
	rate    float64 // Calls a second, of each caller.
}

// groups is a flag that may be given several times.
type groups []group

func (g *groups) String() string { return fmt.Sprint(*g) }

func (g *groups) Set(text string) error {
	parts := strings.Split(text, ":")
	if len(parts) != 3 || parts[0] == "" {
		return errors.New("must be NAME:CALLERS:RATE")
	}
	callers, err := strconv.Atoi(parts[1])
	if err != nil || callers < 1 {
		return errors.New("callers begin at 1")
	}
	rate, err := strconv.ParseFloat(parts[2], 64)
	if err != nil || rate <= 0 {
		return errors.New("the rate must be above 0")
	}
	*g = append(*g, group{parts[0], callers, rate})
	return nil
}

type options struct {
	url       string
	bodies    [][]byte // One for each model.
	keyPrefix string
	groups    groups
	deadline  time.Duration
	warmup    time.Duration
	measured  time.Duration
}

func parseFlags(args []string) (*options, error) {
	var o options
	var target, models string
	f := flag.NewFlagSet("arrivals", flag.ContinueOnError)
	f.StringVar(&target, "target", "", "host:port of the server")
	f.StringVar(&models, "model", "bench",
		"models to ask for in turn, with commas between them")
	f.StringVar(&o.keyPrefix, "key_prefix", "", "what callers' keys begin with")
	f.Var(&o.groups, "group", "NAME:CALLERS:RATE, may be given several times")
	f.DurationVar(&o.deadline, "deadline", 2*time.Second,
		"what is answered later is of no use")
	f.DurationVar(&o.warmup, "warmup", 2*time.Second, "not counted")
	f.DurationVar(&o.measured, "measured", 10*time.Second, "counted")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case f.NArg() > 0:
		return nil, errors.New("unexpected arguments")
	case target == "":
		return nil, errors.New("--target is missing")
	case len(o.groups) == 0:
		return nil, errors.New("--group is missing")
	}
	o.url = "http://" + target + "/v1/chat/completions"
	for _, model := range strings.Split(models, ",") {
		body, err := json.Marshal(map[string]any{
			"model":    model,
			"messages": []map[string]string{{"role": "user", "content": "Now."}},
		})
		if err != nil {
			return nil, err
		}
		o.bodies = append(o.bodies, body)
	}
	return &o, nil
}

// tally is what became of a group's calls.
type tally struct {
	mu       sync.Mutex
	answered []time.Duration
	refused  []time.Duration
	late     int
	failed   int
	first    string // Of the failures.
}

func (t *tally) add(took time.Duration, status int, err error,
	deadline time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded):
		t.late++
	case err != nil:
		t.fail(err.Error())
	case status == http.StatusOK && took > deadline:
		t.late++
	case status == http.StatusOK:
		t.answered = append(t.answered, took)
	case status == http.StatusServiceUnavailable ||
		status == http.StatusTooManyRequests:
		t.refused = append(t.refused, took)
	default:
		t.fail("status " + strconv.Itoa(status))
	}
}

func (t *tally) fail(why string) {
	if t.failed == 0 {
		t.first = why
	}
	t.failed++
}

// figures is what is printed of a group.
type figures struct {
	Answered     int     `json:"answered"`
	AnsweredRate float64 `json:"answered_per_second"`
	P50ms        float64 `json:"p50_ms"`
	P99ms        float64 `json:"p99_ms"`
	Refused      int     `json:"refused"`
	RefusedP50ms float64 `json:"refused_p50_ms"`
	RefusedP99ms float64 `json:"refused_p99_ms"`
	Late         int     `json:"late"`
	Failed       int     `json:"failed"`
	FirstFailure string  `json:"first_failure,omitempty"`
}

func (t *tally) figures(measured time.Duration) figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := figures{Answered: len(t.answered), Refused: len(t.refused),
		Late: t.late, Failed: t.failed, FirstFailure: t.first}
	f.AnsweredRate = float64(len(t.answered)) / measured.Seconds()
	f.P50ms, f.P99ms = percentiles(t.answered)
	f.RefusedP50ms, f.RefusedP99ms = percentiles(t.refused)
	return f
}

func percentiles(d []time.Duration) (p50, p99 float64) {
	if len(d) == 0 {
		return 0, 0
	}
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	at := func(share float64) float64 {
		return float64(d[int(share*float64(len(d)))].Microseconds()) / 1e3
	}
	return at(0.50), at(0.99)
}

// source makes the calls of one group.
type source struct {
	group
	options *options
	client  *http.Client
	tally   *tally
	calls   sync.WaitGroup
}

// run makes calls until the interval is over, and waits for their ends.
func (s *source) run(begin time.Time) {
	between := time.Duration(float64(time.Second) /
		(s.rate * float64(s.callers)))
	counted := begin.Add(s.options.warmup)
	end := counted.Add(s.options.measured)
	i := 0
	for due := begin; due.Before(end); due = due.Add(between) {
		time.Sleep(time.Until(due))
		s.calls.Add(1)
		go s.call(i, due, !due.Before(counted))
		i++
	}
	s.calls.Wait()
}

// call makes the group's call of this number.
func (s *source) call(number int, due time.Time, counts bool) {
	defer s.calls.Done()
	status, err := s.ask(number, due)
	if counts {
		s.tally.add(time.Since(due), status, err, s.options.deadline)
	}
}

func (s *source) ask(number int, due time.Time) (int, error) {
	ctx, cancel := context.WithDeadline(context.Background(),
		due.Add(s.options.deadline))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		s.options.url,
		bytes.NewReader(s.options.bodies[number%len(s.options.bodies)]))
	if err != nil {
		return 0, err
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("authorization", fmt.Sprintf("Bearer %s%s-%d",
		s.options.keyPrefix, s.name, number%s.callers))
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, answerBytesMax))
	return answer.StatusCode, err
}

func run(o *options) map[string]figures {
	transport := &http.Transport{MaxIdleConnsPerHost: 1 << 16,
		DisableCompression: true}
	client := &http.Client{Transport: transport}
	begin := time.Now()
	var all sync.WaitGroup
	tallies := make(map[string]*tally)
	for _, g := range o.groups {
		s := &source{group: g, options: o, client: client, tally: &tally{}}
		tallies[g.name] = s.tally
		all.Add(1)
		go func() {
			defer all.Done()
			s.run(begin)
		}()
	}
	all.Wait()
	results := make(map[string]figures)
	for name, t := range tallies {
		results[name] = t.figures(o.measured)
	}
	return results
}

func main() {
	o, err := parseFlags(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "arrivals:", err)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(run(o)); err != nil {
		fmt.Fprintln(os.Stderr, "arrivals:", err)
		os.Exit(1)
	}
}
