package llmgateway

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	llmgatewayv1 "llmgateway.dev/client/llmgateway/v1"
)

// Stream is a streamed answer as its events arrive.
//
//	stream := gateway.Stream(ctx, request)
//	defer stream.Close()
//	for stream.Next() {
//		fmt.Print(stream.Event().GetDelta().GetText())
//	}
//	if err := stream.Err(); err != nil { ... }
//	stream.End().GetUsage() // What it consumed, whatever the outcome.
//
// It belongs to one goroutine.
type Stream struct {
	events    receiver // Nil once it has ended.
	cancel    context.CancelFunc
	event     *llmgatewayv1.GenerateEvent
	end       *llmgatewayv1.StreamEnd
	requestID string
	err       error
}

// receiver is what the streams of all rpcs have.
type receiver interface {
	Recv() (*llmgatewayv1.GenerateEvent, error)
	Trailer() metadata.MD
}

func newStream(events receiver, cancel context.CancelFunc, err error) *Stream {
	s := &Stream{cancel: cancel}
	if err != nil {
		s.finish(asFailure(err, nil))
		return s
	}
	s.events = events
	return s
}

// Next waits for the next event. It is false when there is none: Err says why.
func (s *Stream) Next() bool {
	s.event = nil
	if s.events == nil {
		return false
	}
	event, err := s.events.Recv()
	if err != nil {
		s.finish(s.outcome(err))
		return false
	}
	s.event = event
	if started := event.GetStarted(); started != nil {
		s.requestID = started.GetRequestId()
	}
	if end := event.GetEnd(); end != nil {
		s.end = end
	}
	return true
}

// Event is the one that Next has waited for.
func (s *Stream) Event() *llmgatewayv1.GenerateEvent { return s.event }

// Err is nil only if the gateway said that the model finished, or while events
// are still to come. A connection that breaks off is never a success, nor is a
// stream that was closed early. It is an *Error, but for the *ConfigurationError
// of a call whose metadata cannot be sent.
func (s *Stream) Err() error { return s.err }

// End is the last event, once Next has returned it; nil until then.
func (s *Stream) End() *llmgatewayv1.StreamEnd { return s.end }

// RequestID is the gateway's id of the call; empty until the first event.
func (s *Stream) RequestID() string { return s.requestID }

// Close ends the stream. If there was more to come, the gateway stops the
// model; what was generated until then is billed. It may be called again.
func (s *Stream) Close() error {
	if s.events != nil {
		s.finish(newError(status.Error(codes.Canceled, "the stream was closed"), nil))
	}
	return nil
}

// All is for a range loop (Go 1.23): events, and at last the error if there is
// one. Leaving the loop closes the stream.
//
//	for event, err := range stream.All() { ... }
func (s *Stream) All() func(yield func(*llmgatewayv1.GenerateEvent, error) bool) {
	return func(yield func(*llmgatewayv1.GenerateEvent, error) bool) {
		defer s.Close()
		for s.Next() {
			if !yield(s.event, nil) {
				return
			}
		}
		if s.err != nil {
			yield(nil, s.err)
		}
	}
}

// finish is called once.
func (s *Stream) finish(err error) {
	s.events = nil
	s.err = err
	s.cancel()
}

// outcome is what Recv's error means; nil if the model finished.
func (s *Stream) outcome(err error) error {
	if !errors.Is(err, io.EOF) {
		return asFailure(err, s.events.Trailer())
	}
	if s.end.GetOutcome() == llmgatewayv1.StreamEnd_OUTCOME_FINISHED {
		return nil
	}
	failure := newError(status.Error(codes.Unavailable,
		"the stream broke off without its end"), s.events.Trailer())
	failure.Reason = strings.TrimPrefix(
		llmgatewayv1.ErrorReason_ERROR_REASON_STREAM_INTERRUPTED.String(),
		"ERROR_REASON_")
	return failure
}
