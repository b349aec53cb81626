package llmgateway

import (
	"context"
	"errors"
	"fmt"
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
	// Of the last event, or of that which the stream goes on behind.
	lastSeq        int64
	beginsAnywhere bool
	err            error
}

// receiver is what the streams of all rpcs have.
type receiver interface {
	Recv() (*llmgatewayv1.GenerateEvent, error)
	Trailer() metadata.MD
}

// newStream begins a stream that knows whether it is resumed.
func newStream(s *Stream, events receiver, cancel context.CancelFunc, err error) *Stream {
	s.cancel = cancel
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
	if lost := s.lost(event.GetSeq()); lost != "" {
		s.finish(s.interrupted(codes.DataLoss, lost, nil))
		return false
	}
	s.event, s.lastSeq, s.beginsAnywhere = event, event.GetSeq(), false
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
// stream that was closed early, nor one of which an event was lost or came
// twice. It is an *Error, but for the *ConfigurationError of a call whose
// metadata cannot be sent.
func (s *Stream) Err() error { return s.err }

// End is the last event, once Next has returned it; nil until then.
func (s *Stream) End() *llmgatewayv1.StreamEnd { return s.end }

// RequestID is the gateway's id of the call; empty until the first event, unless
// the stream is resumed.
func (s *Stream) RequestID() string { return s.requestID }

// LastSeq is the number of the last event, for Resume; before the first 0, or
// what the stream was resumed with.
func (s *Stream) LastSeq() int64 { return s.lastSeq }

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

// lost says what is wrong if the event is not the next one.
func (s *Stream) lost(seq int64) string {
	switch {
	case s.end != nil:
		return fmt.Sprintf("event %d has come behind the end", seq)
	case seq == s.lastSeq+1, s.beginsAnywhere && seq > 0:
		return ""
	}
	return fmt.Sprintf("event %d has come in place of %d", seq, s.lastSeq+1)
}

// outcome is what Recv's error means; nil if the model finished.
func (s *Stream) outcome(err error) error {
	if !errors.Is(err, io.EOF) {
		failure := asFailure(err, s.events.Trailer())
		// A connection that breaks off says nothing of it.
		if told, ok := failure.(*Error); ok && told.RequestID == "" {
			told.RequestID = s.requestID
		}
		return failure
	}
	if s.end.GetOutcome() == llmgatewayv1.StreamEnd_OUTCOME_FINISHED {
		return nil
	}
	if s.end != nil {
		return s.unfinished()
	}
	return s.interrupted(codes.Unavailable, "the stream broke off without its end",
		s.events.Trailer())
}

// unfinished is what the end says that is not a finished answer's.
func (s *Stream) unfinished() error {
	why := s.end.GetError()
	message := why.GetMessage()
	if message == "" {
		message = "the model did not finish"
	}
	return s.failed(why.GetReason(), codes.Unknown, message, s.events.Trailer())
}

// interrupted is the failure of an answer that is not whole.
func (s *Stream) interrupted(code codes.Code, message string, trailer metadata.MD) error {
	return s.failed(llmgatewayv1.ErrorReason_ERROR_REASON_STREAM_INTERRUPTED, code,
		message, trailer)
}

// failed has the number of a reason that this version of the contract does not
// know.
func (s *Stream) failed(reason llmgatewayv1.ErrorReason, code codes.Code, message string,
	trailer metadata.MD) error {
	failure := newError(status.Error(code, message), trailer)
	failure.Reason = strings.TrimPrefix(reason.String(), "ERROR_REASON_")
	if s.requestID != "" {
		failure.RequestID = s.requestID
	}
	return failure
}
