package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	modeUnary  = "unary"
	modeStream = "stream"
	modeIdle   = "idle"

	// Connections being opened at the same time; more would overflow a
	// listener's queue, and measure the retries of TCP.
	dialsMax = 32
	// How long calls may go on after the run.
	graceMax = 15 * time.Second
	// However slow the server is made.
	callsTimeMax = 5 * time.Minute
	// How long idle streams may take to open.
	openMax = 60 * time.Second
)

// load is what every connection of a run does.
type load struct {
	target      string
	tls         *tls.Config
	format      string // a name in formats
	mode        string
	connections int
	streams     int
	promptBytes int
	model       string
	key         string
	chunks      int
	chunkBytes  int

	meter   *meter
	request []byte // shared by all connections
}

// caller is one connection.
type caller interface {
	// run makes calls until the run is over.
	run() error
	// open begins idle streams, tells of each, and blocks until one ends.
	open(opened func()) error
	counted() *tally
	close()
}

// prompt is words without anything that JSON would escape.
func (l *load) prompt() string {
	const words = "Please continue this conversation as well as you can. "
	n := l.promptBytes
	return strings.Repeat(words, n/len(words)+1)[:n]
}

func (l *load) checkText(n int) error {
	if n != l.chunks*l.chunkBytes {
		return fmt.Errorf("%d bytes of text instead of %d chunks of %d", n,
			l.chunks, l.chunkBytes)
	}
	return nil
}

func (l *load) dial() (net.Conn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	if l.tls == nil {
		return dialer.Dial("tcp", l.target)
	}
	return tls.DialWithDialer(&dialer, "tcp", l.target, l.tls)
}

// connect opens all connections before the first call is made.
func (o *options) connect() ([]caller, error) {
	if o.protocol == "grpc" {
		o.request = grpcMessage(&o.load)
	} else {
		o.request = chatRequest(&o.load)
	}
	callers := make([]caller, o.connections)
	failures := make(chan error, o.connections)
	tickets := make(chan struct{}, dialsMax)
	var all sync.WaitGroup
	for i := range callers {
		i := i
		tickets <- struct{}{}
		all.Add(1)
		go func() {
			defer all.Done()
			defer func() { <-tickets }()
			c, err := o.dial()
			if err != nil {
				failures <- err
				return
			}
			if o.protocol == "grpc" {
				callers[i] = newGrpcCaller(&o.load, c)
			} else {
				callers[i] = newHTTP1Caller(&o.load, c)
			}
		}()
	}
	all.Wait()
	select {
	case err := <-failures:
		closeAll(callers)
		return nil, err
	default:
		return callers, nil
	}
}

func closeAll(callers []caller) {
	for _, c := range callers {
		if c != nil {
			c.close()
		}
	}
}

// drive calls for the time of the run, or as often as it is told.
func (o *options) drive() (result, error) {
	callers, err := o.connect()
	if err != nil {
		return result{}, err
	}
	if o.calls > 0 {
		o.warmup, o.measured = 0, callsTimeMax
	}
	// Whoever has no answer by then fails, instead of blocking for ever.
	guard := time.AfterFunc(o.warmup+o.measured+graceMax, func() {
		o.meter.fail(errors.New("calls were still open long after the run"))
		closeAll(callers)
	})
	defer guard.Stop()
	if o.warmup == 0 {
		// Whatever is begun counts, however late measure comes.
		o.meter.phase.Store(phaseMeasuring)
	}
	var all sync.WaitGroup
	ended := make(chan struct{})
	for i, c := range callers {
		// Spread over the warm-up, so that paced streams do not tick together.
		delay := o.warmup / 2 * time.Duration(i) / time.Duration(len(callers))
		c := c
		all.Add(1)
		go func() {
			defer all.Done()
			time.Sleep(delay)
			if err := c.run(); err != nil {
				o.meter.fail(err)
			}
			c.close()
		}()
	}
	time.Sleep(o.warmup)
	go func() {
		all.Wait()
		close(ended)
	}()
	seconds, spent, err := o.measure(ended)
	<-ended
	if err != nil {
		return result{}, err
	}
	tallies := make([]*tally, len(callers))
	for i, c := range callers {
		tallies[i] = c.counted()
	}
	r := summarize(tallies, o.chunkBytes)
	r.Seconds = seconds
	r.CPUSeconds = spent.cpu.Seconds()
	r.Counted = spent.counted
	r.Errors, r.FirstError = o.meter.failed()
	if r.Errors == 0 && r.Calls == 0 && r.Chunks == 0 {
		return r, errors.New("not one call ended in time")
	}
	return r, nil
}

// measure lets the counted interval pass, or the calls end, and tells what was
// used in it.
func (o *options) measure(ended <-chan struct{}) (seconds float64, spent used, err error) {
	defer o.meter.phase.Store(phaseOver)
	before, err := usedBy(o.cpuPids, o.counterFile)
	if err != nil {
		return 0, used{}, err
	}
	began := time.Now()
	o.meter.phase.Store(phaseMeasuring)
	interval := time.NewTimer(o.measured)
	defer interval.Stop()
	select {
	case <-interval.C:
	case <-ended:
	}
	o.meter.phase.Store(phaseOver)
	seconds = time.Since(began).Seconds()
	after, err := usedBy(o.cpuPids, o.counterFile)
	spent = used{after.cpu - before.cpu, after.counted - before.counted}
	return seconds, spent, err
}

// hold opens idle streams and keeps them until stdin ends.
func (o *options) hold(stdin io.Reader, stdout io.Writer) (result, error) {
	callers, err := o.connect()
	if err != nil {
		return result{}, err
	}
	want := o.connections * o.streams
	opened := make(chan struct{}, want)
	broken := make(chan error, len(callers))
	for _, c := range callers {
		c := c
		go func() {
			err := c.open(func() { opened <- struct{}{} })
			if !o.meter.over() {
				broken <- err
			}
		}()
	}
	defer closeAll(callers)
	defer o.meter.phase.Store(phaseOver)
	timeout := time.After(openMax)
	for n := 0; n < want; n++ {
		select {
		case <-opened:
		case err := <-broken:
			return result{}, fmt.Errorf("%d of %d open: %w", n, want, err)
		case <-timeout:
			return result{}, fmt.Errorf("only %d of %d streams opened", n,
				want)
		}
	}
	fmt.Fprintln(stdout, "ready")
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		close(ended)
	}()
	select {
	case <-ended:
		return result{Calls: int64(want)}, nil
	case err := <-broken:
		return result{}, fmt.Errorf("an idle stream ended: %w", err)
	}
}
