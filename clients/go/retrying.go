package llmgateway

import (
	"context"
	"io"
	"math/rand"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Whether a failed call is made again, and after how long.
//
// The gateway retries what its providers fail, so a client that did it again
// would multiply the attempts. It repeats only what the gateway has turned away
// without asking a provider, and when the gateway says so; where nobody knows
// how far a call had come, only calls that do nothing twice.

const (
	attemptsMax     = 3
	retryBackoff    = 200 * time.Millisecond
	retryBackoffMax = 5 * time.Second
	// A push-back that is longer is the caller's affair.
	retryWaitMax = 30 * time.Second
	// Each failure takes a token and each success gives back a tenth; there are
	// no retries while half of them or fewer are left.
	retryTokensMax       = 10.0
	retryTokensOfSuccess = 0.1
)

type repetition int

const (
	ifNobodyWasAsked repetition = iota
	never
	always
)

// repetitions are those of other methods than most.
var repetitions = map[string]repetition{
	"/llmgateway.v1.GatewayService/CountTokens":  always,
	"/llmgateway.v1.GatewayService/GetModel":     always,
	"/llmgateway.v1.GatewayService/GetSession":   always,
	"/llmgateway.v1.GatewayService/ListModels":   always,
	"/llmgateway.v1.GatewayService/ListTools":    always,
	"/llmgateway.v1.GatewayService/ResumeStream": always,
	// A tool may have done something.
	"/llmgateway.v1.GatewayService/ExecuteTool": never,
}

// isRetriedHere is false for methods of other services.
func isRetriedHere(method string) bool {
	const service = "/llmgateway.v1.GatewayService/"
	return len(method) > len(service) && method[:len(service)] == service
}

func repetitionOf(method string, request any) repetition {
	found := repetitions[method]
	keyed, ok := request.(interface{ GetIdempotencyKey() string })
	if found == ifNobodyWasAsked && ok && keyed.GetIdempotencyKey() != "" {
		return always // The gateway knows it again.
	}
	return found
}

// retryBudget keeps the retries of a client few.
type retryBudget struct {
	mutex  sync.Mutex
	tokens float64
	chance *rand.Rand
}

func (b *retryBudget) succeeded() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.tokens += retryTokensOfSuccess; b.tokens > retryTokensMax {
		b.tokens = retryTokensMax
	}
}

// failed returns whether there may be a retry.
func (b *retryBudget) failed() bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.tokens--; b.tokens < 0 {
		b.tokens = 0
	}
	return b.tokens > retryTokensMax/2
}

// backoff returns how long to wait after so many attempts.
func (b *retryBudget) backoff(attempts int) time.Duration {
	most := retryBackoffMax
	if doubled := retryBackoff << (attempts - 1); attempts < 6 && doubled < most {
		most = doubled
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return most/2 + time.Duration(b.chance.Int63n(int64(most/2)+1))
}

// errClosed is how a call ends that waits while its client is closed.
var errClosed = status.Error(codes.Canceled, "the client was closed")

// retrying makes calls again; it is shared by all of a client.
type retrying struct {
	attempts  int
	budget    retryBudget
	closed    chan struct{}
	closeOnce sync.Once
}

func newRetrying(attempts int) *retrying {
	return &retrying{attempts: attempts, closed: make(chan struct{}), budget: retryBudget{
		tokens: retryTokensMax,
		chance: rand.New(rand.NewSource(time.Now().UnixNano()))}}
}

// close ends all waits for other attempts; there are none any more.
func (r *retrying) close() {
	r.closeOnce.Do(func() { close(r.closed) })
}

func mayBeRepeated(failure *Error, told bool, how repetition) bool {
	switch failure.Reason {
	case "CONCURRENCY_LIMITED", "CONTEXT_SERVICE_UNAVAILABLE", "DRAINING",
		"IDENTITY_UNAVAILABLE", "OVERLOADED":
		// Another replica, or this one in a moment, may serve it.
		return how != never
	case "CIRCUIT_OPEN", "RATE_LIMITED", "STORE_UNAVAILABLE":
		// The same, but only the gateway knows when.
		return how != never && told
	case "LEDGER_UNAVAILABLE":
		// A provider may have been asked before it was found out.
		return how == always
	case "":
		// Nobody answered, or not to the end.
		return how == always && failure.Code == codes.Unavailable
	}
	return false
}

// wait waits for the next attempt. If there is to be none, it returns how the
// call ends: as err says, unless the client was closed.
func (r *retrying) wait(ctx context.Context, err error, trailer metadata.MD, attempt int, how repetition) error {
	pause, may := r.pause(ctx, err, trailer, attempt, how)
	if !may {
		return err
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.closed:
		return errClosed
	case <-ctx.Done():
		return nil // The next attempt says so.
	}
}

// pause returns how long to wait for the next attempt, and whether there is to
// be one.
func (r *retrying) pause(ctx context.Context, err error, trailer metadata.MD, attempt int, how repetition) (time.Duration, bool) {
	if attempt >= r.attempts {
		return 0, false
	}
	told := trailer.Get("grpc-retry-pushback-ms")
	if !mayBeRepeated(newError(err, trailer), len(told) > 0, how) {
		return 0, false
	}
	pause := r.budget.backoff(attempt)
	if len(told) > 0 {
		ms, err := strconv.ParseInt(told[0], 10, 32)
		if err != nil || ms < 0 || ms > retryWaitMax.Milliseconds() {
			return 0, false
		}
		pause = time.Duration(ms) * time.Millisecond
	}
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) <= pause {
		return 0, false
	}
	return pause, r.budget.failed()
}

func (r *retrying) unary(ctx context.Context, method string, request, response any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if !isRetriedHere(method) {
		return invoke(ctx, method, request, response, connection, options...)
	}
	how := repetitionOf(method, request)
	for attempt := 1; ; attempt++ {
		var trailer metadata.MD
		err := invoke(ctx, method, request, response, connection,
			append([]grpc.CallOption{grpc.Trailer(&trailer)}, options...)...)
		if err == nil {
			r.budget.succeeded()
			return nil
		}
		if err := r.wait(ctx, err, trailer, attempt, how); err != nil {
			return err
		}
	}
}

func (r *retrying) stream(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	begin := func() (grpc.ClientStream, error) {
		return open(ctx, description, connection, method, options...)
	}
	if !isRetriedHere(method) || description.ClientStreams {
		return begin()
	}
	s := &retriedStream{ctx: ctx, retrying: r, begin: begin, method: method}
	s.ClientStream, s.unopened = begin()
	return s, nil
}

// retriedStream is a stream of answers to one request, which begins anew if it
// fails before its first answer.
type retriedStream struct {
	grpc.ClientStream // Of the present attempt; nil if it could not begin.
	unopened          error
	ctx               context.Context
	retrying          *retrying
	begin             func() (grpc.ClientStream, error)
	method            string
	request           any
	answered          bool
}

func (s *retriedStream) Context() context.Context { return s.ctx }

func (s *retriedStream) Header() (metadata.MD, error) {
	if s.unopened != nil {
		return nil, s.unopened
	}
	return s.ClientStream.Header()
}

func (s *retriedStream) Trailer() metadata.MD {
	if s.unopened != nil {
		return nil
	}
	return s.ClientStream.Trailer()
}

func (s *retriedStream) SendMsg(request any) error {
	s.request = request
	if s.unopened != nil {
		return nil // RecvMsg says so.
	}
	return s.ClientStream.SendMsg(request)
}

func (s *retriedStream) CloseSend() error {
	if s.unopened != nil {
		return nil
	}
	return s.ClientStream.CloseSend()
}

func (s *retriedStream) RecvMsg(answer any) error {
	how := repetitionOf(s.method, s.request)
	for attempt := 1; ; attempt++ {
		err := s.unopened
		if err == nil {
			err = s.ClientStream.RecvMsg(answer)
		}
		if err == nil {
			s.answered = true
			return nil
		}
		if err == io.EOF {
			s.retrying.budget.succeeded()
			return err
		}
		if s.answered {
			return err
		}
		if err := s.retrying.wait(s.ctx, err, s.Trailer(), attempt, how); err != nil {
			return err
		}
		if s.ClientStream, s.unopened = s.begin(); s.unopened != nil {
			continue
		}
		// What fails here RecvMsg says.
		if s.ClientStream.SendMsg(s.request) == nil {
			s.ClientStream.CloseSend()
		}
	}
}
