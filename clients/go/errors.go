package llmgateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// errorDomain is that of the gateway's reasons; those of others mean something
// else.
const errorDomain = "llmgateway.dev"

// Error is why a call failed, with all that the gateway says of it.
//
//	var failure *llmgateway.Error
//	if errors.As(err, &failure) && failure.Reason == "BUDGET_EXCEEDED" { ... }
//
// errors.Is(err, context.Canceled) and context.DeadlineExceeded work, too, and
// status.FromError returns the status.
type Error struct {
	// Code is gRPC's.
	Code codes.Code
	// Message is for people.
	Message string
	// Reason is a name of llmgatewayv1.ErrorReason without its ERROR_REASON_
	// prefix; empty if the gateway was not reached.
	Reason string
	// Metadata says more of the reason, by keys that errors.proto names.
	Metadata map[string]string
	// RetryAfter is how long to wait before it may work; negative if the
	// gateway does not say that waiting helps.
	RetryAfter time.Duration
	// Violations are the fields of the request that are wrong.
	Violations []Violation
	// Quotas are the limits and budgets that were reached.
	Quotas []Quota
	// RequestID is the gateway's id of the call; empty if it was not reached.
	RequestID string

	status *status.Status
}

// Violation is a field of the request that is wrong.
type Violation struct {
	Field       string // Such as `messages[0].role`.
	Description string
}

// Quota is a limit or budget that was reached.
type Quota struct {
	Subject     string
	Description string
}

// ErrorOf reads an error of a gRPC call that was not made by an LLMGateway's
// methods; nil if err is nil.
func ErrorOf(err error) *Error {
	if err == nil {
		return nil
	}
	return newError(err, nil)
}

func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "llmgateway: %v", e.Code)
	if e.Reason != "" {
		text.WriteString(" " + e.Reason)
	}
	text.WriteString(": " + e.Message)
	return text.String()
}

// GRPCStatus is for status.FromError and status.Code.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Is lets errors.Is ask for the errors of contexts.
func (e *Error) Is(target error) bool {
	return (target == context.Canceled && e.Code == codes.Canceled) ||
		(target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded)
}

// asFailure returns an *Error, or the *ConfigurationError for which a call was
// not made.
func asFailure(err error, trailer metadata.MD) error {
	var wrong *ConfigurationError
	if errors.As(err, &wrong) {
		return wrong
	}
	return newError(err, trailer)
}

func newError(err error, trailer metadata.MD) *Error {
	told := status.Convert(err)
	failure := &Error{
		Code:       told.Code(),
		Message:    told.Message(),
		RetryAfter: -1,
		status:     told,
	}
	if ids := trailer.Get("x-request-id"); len(ids) > 0 {
		failure.RequestID = ids[0]
	}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() != errorDomain {
				continue
			}
			failure.Reason = detail.GetReason()
			failure.Metadata = detail.GetMetadata()
		case *errdetails.RetryInfo:
			failure.RetryAfter = detail.GetRetryDelay().AsDuration()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations, Violation{
					violation.GetField(), violation.GetDescription()})
			}
		case *errdetails.QuotaFailure:
			for _, violation := range detail.GetViolations() {
				failure.Quotas = append(failure.Quotas, Quota{
					violation.GetSubject(), violation.GetDescription()})
			}
		}
	}
	return failure
}
