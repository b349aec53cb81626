package dev.llmgateway;

import dev.llmgateway.v1.ErrorReason;
import dev.llmgateway.v1.GenerateEvent;
import dev.llmgateway.v1.ResumeStreamRequest;
import dev.llmgateway.v1.StreamEnd;
import dev.llmgateway.v1.StreamError;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A streamed answer as its events arrive; for one loop of one thread, which waits for them.
 *
 * <pre>{@code
 * try (GenerateStream stream = gateway.stream(request)) {
 *   for (GenerateEvent event : stream) System.out.print(event.getDelta().getText());
 *   stream.end(); // What it consumed, whatever the outcome.
 * }
 * }</pre>
 *
 * <p>The loop ends by itself only if the gateway said that the model finished, and throws an {@link
 * LLMGatewayException} otherwise: a connection that breaks off is never a success, nor is an event
 * that was lost or comes twice. A stream that is closed early stops the model; what was generated
 * until then is billed. Who does not take events holds the model back.
 */
public final class GenerateStream implements Iterable<GenerateEvent>, AutoCloseable {
  private final ClientCall<?, GenerateEvent> call;
  // Of events, of which one at most is asked for beforehand, and at last an Ending.
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private Object next; // As take returns it.
  private StreamEnd end;
  private String requestId = "";
  private long lastSeq; // Of the last event, or of that which it goes on behind.
  private boolean beginsAnywhere;

  private static final class Ending {
    final Status status;
    final Metadata trailers;

    Ending(Status status, Metadata trailers) {
      this.status = status;
      this.trailers = trailers;
    }
  }

  private final class Listener extends ClientCall.Listener<GenerateEvent> {
    @Override
    public void onMessage(GenerateEvent event) {
      arrived.add(event);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      arrived.add(new Ending(status, trailers));
    }
  }

  private GenerateStream(ClientCall<?, GenerateEvent> call) {
    this.call = call;
  }

  static <Request> GenerateStream start(ClientCall<Request, GenerateEvent> call, Request request) {
    GenerateStream stream = new GenerateStream(call);
    if (request instanceof ResumeStreamRequest) {
      ResumeStreamRequest behind = (ResumeStreamRequest) request;
      stream.requestId = behind.getRequestId();
      stream.lastSeq = behind.getAfterSeq();
      stream.beginsAnywhere = stream.lastSeq == 0;
    }
    call.start(stream.new Listener(), new Metadata());
    call.request(1);
    call.sendMessage(request);
    call.halfClose();
    return stream;
  }

  @Override
  public Iterator<GenerateEvent> iterator() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        if (next == null) {
          next = take();
        }
        return next instanceof GenerateEvent || !ended(next);
      }

      @Override
      public GenerateEvent next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        GenerateEvent event = (GenerateEvent) next;
        next = null;
        lastSeq = event.getSeq();
        beginsAnywhere = false;
        call.request(1);
        if (event.hasStarted()) {
          requestId = event.getStarted().getRequestId();
        }
        if (event.hasEnd()) {
          end = event.getEnd();
        }
        return event;
      }
    };
  }

  /** The last event, once the loop has had it. */
  public Optional<StreamEnd> end() {
    return Optional.ofNullable(end);
  }

  /** The gateway's id of the call; empty until the first event, unless it is resumed. */
  public String requestId() {
    return requestId;
  }

  /** Of the last event, to resume it; before the first 0, or what it was resumed with. */
  public long lastSeq() {
    return lastSeq;
  }

  /** Ends the stream; a loop that is under way throws. Any thread may call it, and again. */
  @Override
  public void close() {
    call.cancel("the stream was closed", null);
  }

  // Returns an event that is the next one, an Ending, or why it is interrupted.
  private Object take() {
    try {
      Object taken = arrived.take();
      if (taken instanceof GenerateEvent) {
        long seq = ((GenerateEvent) taken).getSeq();
        if (end != null || (seq != lastSeq + 1 && !(beginsAnywhere && seq > 0))) {
          call.cancel("events are not in order", null);
          String place = end != null ? "behind the end" : "in place of " + (lastSeq + 1);
          return interrupted(
              Status.DATA_LOSS.withDescription("event " + seq + " has come " + place),
              new Metadata());
        }
      }
      return taken;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      call.cancel("the thread was interrupted", interrupted);
      return new Ending(
          Status.CANCELLED.withDescription("the thread was interrupted").withCause(interrupted),
          new Metadata());
    }
  }

  private LLMGatewayException interrupted(Status status, Metadata trailers) {
    return LLMGatewayException.of(status, trailers, "STREAM_INTERRUPTED", requestId);
  }

  // Returns true, or throws why the answer is not whole.
  private boolean ended(Object how) {
    if (how instanceof LLMGatewayException) {
      throw (LLMGatewayException) how;
    }
    Ending ending = (Ending) how;
    if (!ending.status.isOk()) {
      throw LLMGatewayException.ofStream(ending.status, ending.trailers, requestId);
    }
    if (end == null) {
      throw interrupted(
          Status.UNAVAILABLE.withDescription("the stream broke off without its end"),
          ending.trailers);
    }
    if (end.getOutcome() != StreamEnd.Outcome.OUTCOME_FINISHED) {
      throw unfinished(ending.trailers);
    }
    return true;
  }

  // What the end says that is not a finished answer's.
  private LLMGatewayException unfinished(Metadata trailers) {
    StreamError why = end.getError();
    String message = why.getMessage().isEmpty() ? "the model did not finish" : why.getMessage();
    // The number of one that this version of the contract does not know.
    String reason =
        why.getReason() == ErrorReason.UNRECOGNIZED
            ? Integer.toString(why.getReasonValue())
            : why.getReason().name().replaceFirst("^ERROR_REASON_", "");
    return LLMGatewayException.of(
        Status.UNKNOWN.withDescription(message), trailers, reason, requestId);
  }
}
