package dev.llmgateway;

import dev.llmgateway.v1.CountTokensRequest;
import dev.llmgateway.v1.CountTokensResponse;
import dev.llmgateway.v1.CreateSessionRequest;
import dev.llmgateway.v1.DeleteSessionRequest;
import dev.llmgateway.v1.DeleteSessionResponse;
import dev.llmgateway.v1.EmbedRequest;
import dev.llmgateway.v1.EmbedResponse;
import dev.llmgateway.v1.ExecuteToolRequest;
import dev.llmgateway.v1.ExecuteToolResponse;
import dev.llmgateway.v1.GatewayServiceGrpc;
import dev.llmgateway.v1.GenerateRequest;
import dev.llmgateway.v1.GenerateResponse;
import dev.llmgateway.v1.GetModelRequest;
import dev.llmgateway.v1.GetSessionRequest;
import dev.llmgateway.v1.ListModelsRequest;
import dev.llmgateway.v1.ListModelsResponse;
import dev.llmgateway.v1.ListToolsRequest;
import dev.llmgateway.v1.ListToolsResponse;
import dev.llmgateway.v1.Message;
import dev.llmgateway.v1.Model;
import dev.llmgateway.v1.Part;
import dev.llmgateway.v1.ResumeStreamRequest;
import dev.llmgateway.v1.Role;
import dev.llmgateway.v1.Session;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/**
 * The gateway as a program calls it: a connection, a key, deadlines and retries around the
 * generated stubs.
 *
 * <pre>{@code
 * try (LLMGateway gateway = LLMGateway.builder("dns:///llm.example.com:443").apiKey(key).build()) {
 *   GenerateResponse answer = gateway.generate(GenerateRequest.newBuilder()
 *       .setModel("gpt-x").addMessages(LLMGateway.userText("Hello")).build());
 * }
 * }</pre>
 *
 * <p>The connection is encrypted unless told otherwise. Calls go to all addresses of the target in
 * turn. What the gateway has turned away without asking a provider is tried up to three times in
 * all, and so are, where a connection breaks, lookups and calls with an {@code idempotency_key}.
 * Nothing else is: a provider may have been asked already. A tool is never run again.
 *
 * <p>Methods whose name ends in Async return a future that fails with an {@link
 * LLMGatewayException}, and to cancel it, or to complete it as {@code orTimeout} does, ends the
 * call; the others wait and throw it. Of a call whose metadata cannot be sent it is a {@link
 * ConfigurationException}, which a stream throws at once. All threads may call at once.
 */
public final class LLMGateway implements AutoCloseable {
  /** Of this package. */
  public static final String VERSION = "0.1.0";

  private static final int MODELS_PAGE_SIZE = 1000;
  // A deadline that is later, and more nanoseconds than a long has, is none.
  private static final Duration TIMEOUT_MAX = Duration.ofDays(36500);

  private final ManagedChannel connection;
  private final RetryingCalls retrying;
  private final Channel channel; // Over the connection, with retries.
  private final LLMGatewayBuilder settings;

  LLMGateway(ManagedChannel connection, LLMGatewayBuilder settings) {
    this.connection = connection;
    retrying = new RetryingCalls(settings.attemptsMax);
    channel = ClientInterceptors.intercept(connection, retrying);
    this.settings = settings;
  }

  /**
   * The target is as gRPC names it: {@code host:port} or {@code dns:///host:port} for all addresses
   * of a name, {@code ipv4:10.0.0.1:443,10.0.0.2:443} for a list.
   */
  public static LLMGatewayBuilder builder(String target) {
    return new LLMGatewayBuilder(target);
  }

  /**
   * Ends the connection; every call of this client on it, and from then on, fails as CANCELLED.
   * Those of others by {@link #channel} end as gRPC ends them.
   */
  @Override
  public void close() {
    retrying.close();
    connection.shutdownNow();
  }

  /**
   * For stubs of services that have no method here, such as AdminService; calls have the key and
   * the metadata of this client, but no deadline.
   */
  public Channel channel() {
    return ClientInterceptors.intercept(
        channel,
        MetadataUtils.newAttachHeadersInterceptor(settings.metadataOf(RequestOptions.none())));
  }

  /** One complete answer. */
  public GenerateResponse generate(GenerateRequest request, RequestOptions... options) {
    return join(generateAsync(request, options));
  }

  public CompletableFuture<GenerateResponse> generateAsync(
      GenerateRequest request, RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getGenerateMethod(), request, settings.generateTimeout, options);
  }

  /** An answer as it is produced. Failures, also to begin, are told by the stream. */
  public GenerateStream stream(GenerateRequest request, RequestOptions... options) {
    return GenerateStream.start(
        newCall(
            GatewayServiceGrpc.getStreamGenerateMethod(),
            settings.generateTimeout,
            only(options)),
        request);
  }

  /**
   * Goes on with a stream whose connection broke, behind the event {@code afterSeq}, if the gateway
   * has {@code resumable_streams} configured.
   */
  public GenerateStream resume(String requestId, long afterSeq, RequestOptions... options) {
    return GenerateStream.start(
        newCall(
            GatewayServiceGrpc.getResumeStreamMethod(), settings.generateTimeout, only(options)),
        ResumeStreamRequest.newBuilder().setRequestId(requestId).setAfterSeq(afterSeq).build());
  }

  /** Counts the input tokens of a request without running it. */
  public CountTokensResponse countTokens(GenerateRequest request, RequestOptions... options) {
    return join(countTokensAsync(request, options));
  }

  public CompletableFuture<CountTokensResponse> countTokensAsync(
      GenerateRequest request, RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getCountTokensMethod(),
        CountTokensRequest.newBuilder().setRequest(request).build(),
        settings.lookupTimeout,
        options);
  }

  /** Turns texts into vectors. */
  public EmbedResponse embed(EmbedRequest request, RequestOptions... options) {
    return join(embedAsync(request, options));
  }

  public CompletableFuture<EmbedResponse> embedAsync(
      EmbedRequest request, RequestOptions... options) {
    return call(GatewayServiceGrpc.getEmbedMethod(), request, settings.generateTimeout, options);
  }

  /** One page of the models that callers can name. */
  public ListModelsResponse listModels(ListModelsRequest request, RequestOptions... options) {
    return join(listModelsAsync(request, options));
  }

  public CompletableFuture<ListModelsResponse> listModelsAsync(
      ListModelsRequest request, RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getListModelsMethod(), request, settings.lookupTimeout, options);
  }

  /** All of them, page by page. */
  public List<Model> models(RequestOptions... options) {
    return models("", options);
  }

  /** Those of one provider or, if that is empty, of all, page by page. */
  public List<Model> models(String providerId, RequestOptions... options) {
    List<Model> models = new ArrayList<>();
    ListModelsRequest.Builder request =
        ListModelsRequest.newBuilder().setProviderId(providerId).setPageSize(MODELS_PAGE_SIZE);
    do {
      ListModelsResponse page = listModels(request.build(), options);
      models.addAll(page.getModelsList());
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return models;
  }

  /** Describes one model. */
  public Model getModel(GetModelRequest request, RequestOptions... options) {
    return join(getModelAsync(request, options));
  }

  public CompletableFuture<Model> getModelAsync(
      GetModelRequest request, RequestOptions... options) {
    return call(GatewayServiceGrpc.getGetModelMethod(), request, settings.lookupTimeout, options);
  }

  /** Opens a session whose messages the gateway remembers. */
  public Session createSession(CreateSessionRequest request, RequestOptions... options) {
    return join(createSessionAsync(request, options));
  }

  public CompletableFuture<Session> createSessionAsync(
      CreateSessionRequest request, RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getCreateSessionMethod(), request, settings.lookupTimeout, options);
  }

  /** A session, with its messages. */
  public Session getSession(String id, RequestOptions... options) {
    return join(getSessionAsync(id, options));
  }

  public CompletableFuture<Session> getSessionAsync(String id, RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getGetSessionMethod(),
        GetSessionRequest.newBuilder().setId(id).build(),
        settings.lookupTimeout,
        options);
  }

  /** Forgets a session. */
  public void deleteSession(String id, RequestOptions... options) {
    join(deleteSessionAsync(id, options));
  }

  public CompletableFuture<DeleteSessionResponse> deleteSessionAsync(
      String id, RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getDeleteSessionMethod(),
        DeleteSessionRequest.newBuilder().setId(id).build(),
        settings.lookupTimeout,
        options);
  }

  /** The tools of a service behind the gateway. */
  public ListToolsResponse listTools(RequestOptions... options) {
    return join(listToolsAsync(options));
  }

  public CompletableFuture<ListToolsResponse> listToolsAsync(RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getListToolsMethod(),
        ListToolsRequest.getDefaultInstance(),
        settings.lookupTimeout,
        options);
  }

  /**
   * Runs one of them; its arguments and its result are JSON as text. Of a tool that fails the
   * response says so. A call that fails is not made again: the tool may have done something.
   */
  public ExecuteToolResponse executeTool(ExecuteToolRequest request, RequestOptions... options) {
    return join(executeToolAsync(request, options));
  }

  public CompletableFuture<ExecuteToolResponse> executeToolAsync(
      ExecuteToolRequest request, RequestOptions... options) {
    return call(
        GatewayServiceGrpc.getExecuteToolMethod(), request, settings.lookupTimeout, options);
  }

  /** A message of the user with one text. */
  public static Message userText(String text) {
    return Message.newBuilder()
        .setRole(Role.ROLE_USER)
        .addParts(Part.newBuilder().setText(text))
        .build();
  }

  /** What the model says in the first of an answer's choices. */
  public static String textOf(GenerateResponse response) {
    if (response.getChoicesCount() == 0) {
      return "";
    }
    return response.getChoices(0).getMessage().getPartsList().stream()
        .map(Part::getText)
        .collect(Collectors.joining());
  }

  private static RequestOptions only(RequestOptions... options) {
    if (options.length > 1) {
      throw new IllegalArgumentException("a call has one RequestOptions at most");
    }
    return options.length == 0 ? RequestOptions.none() : options[0];
  }

  private <Request, Response> ClientCall<Request, Response> newCall(
      MethodDescriptor<Request, Response> method, Duration timeout, RequestOptions options) {
    Duration limit = options.timeout == null ? timeout : options.timeout;
    CallOptions call = CallOptions.DEFAULT;
    if (limit != null && limit.compareTo(TIMEOUT_MAX) < 0) {
      call = call.withDeadlineAfter(limit.toNanos(), TimeUnit.NANOSECONDS);
    }
    if (options.waitForReady || settings.waitForReady) {
      call = call.withWaitForReady();
    }
    return ClientInterceptors.intercept(
            channel, MetadataUtils.newAttachHeadersInterceptor(settings.metadataOf(options)))
        .newCall(method, call);
  }

  private <Request, Response> CompletableFuture<Response> call(
      MethodDescriptor<Request, Response> method,
      Request request,
      Duration timeout,
      RequestOptions... options) {
    ClientCall<Request, Response> call;
    try {
      call = newCall(method, timeout, only(options));
    } catch (ConfigurationException wrong) {
      return CompletableFuture.failedFuture(wrong);
    }
    CompletableFuture<Response> answer = new CompletableFuture<>();
    AtomicBoolean hasEnded = new AtomicBoolean();
    call.start(
        new ClientCall.Listener<>() {
          private Response response;

          @Override
          public void onMessage(Response message) {
            response = message;
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            hasEnded.set(true);
            if (status.isOk() && response != null) {
              answer.complete(response);
              return;
            }
            Status failed =
                status.isOk() ? Status.INTERNAL.withDescription("there is no answer") : status;
            answer.completeExceptionally(LLMGatewayException.of(failed, trailers));
          }
        },
        new Metadata());
    call.request(2); // So that a second one, which is none, is noticed.
    call.sendMessage(request);
    call.halfClose();
    // Whoever else ended it, as orTimeout does, waits for no answer.
    answer.whenComplete(
        (response, failure) -> {
          if (!hasEnded.get()) {
            call.cancel("the future was ended", failure);
          }
        });
    return answer;
  }

  private static <Response> Response join(CompletableFuture<Response> answer) {
    try {
      return answer.get();
    } catch (InterruptedException interrupted) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw LLMGatewayException.of(
          Status.CANCELLED.withDescription("the thread was interrupted").withCause(interrupted),
          null);
    } catch (java.util.concurrent.ExecutionException failed) {
      if (failed.getCause() instanceof LLMGatewayException) {
        throw (LLMGatewayException) failed.getCause();
      }
      if (failed.getCause() instanceof ConfigurationException) {
        throw (ConfigurationException) failed.getCause();
      }
      throw new CompletionException(failed.getCause());
    }
  }
}
