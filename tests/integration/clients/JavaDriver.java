import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.protobuf.Duration;
import dev.llmgateway.ConfigurationException;
import dev.llmgateway.GenerateStream;
import dev.llmgateway.LLMGateway;
import dev.llmgateway.LLMGatewayBuilder;
import dev.llmgateway.LLMGatewayException;
import dev.llmgateway.RequestOptions;
import dev.llmgateway.v1.CountTokensResponse;
import dev.llmgateway.v1.CreateSessionRequest;
import dev.llmgateway.v1.EmbedInput;
import dev.llmgateway.v1.EmbedRequest;
import dev.llmgateway.v1.ExecuteToolRequest;
import dev.llmgateway.v1.ExecuteToolResponse;
import dev.llmgateway.v1.FunctionTool;
import dev.llmgateway.v1.GenerateEvent;
import dev.llmgateway.v1.GenerateRequest;
import dev.llmgateway.v1.GenerateResponse;
import dev.llmgateway.v1.GetModelRequest;
import dev.llmgateway.v1.ListModelsRequest;
import dev.llmgateway.v1.ListModelsResponse;
import dev.llmgateway.v1.Model;
import dev.llmgateway.v1.Session;
import dev.llmgateway.v1.StreamEnd;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Makes the calls that client_driver.py asks for, through the client for Java. */
final class JavaDriver {
  static final class Settings {
    String target;
    boolean plaintext;
    String api_key;
    String ca;
    String cert;
    String key;
    String server_name;
    boolean wait_for_ready;
    Integer attempts_max;
    Long generate_timeout_ms;
    Long lookup_timeout_ms;
    Map<String, String> metadata;
  }

  static final class Command {
    int id;
    String model = "";
    String text;
    String provider_id = "";
    String session = "";
    String idempotency_key = "";
    String name = "";
    String arguments = "";
    String request_id = "";
    long after_seq;
    int page_size;
    long ttl_s;
    long timeout_ms;
    long future_timeout_ms;
    int close_after;
    Map<String, String> metadata = Map.of();
    boolean metadata_as_text;

    GenerateRequest request() {
      GenerateRequest.Builder request =
          GenerateRequest.newBuilder()
              .setModel(model)
              .setProviderId(provider_id)
              .setSession(session)
              .setIdempotencyKey(idempotency_key);
      if (text != null) {
        request.addMessages(LLMGateway.userText(text));
      }
      return request.build();
    }

    RequestOptions options() {
      RequestOptions options = RequestOptions.none();
      if (timeout_ms > 0) {
        options = options.timeout(java.time.Duration.ofMillis(timeout_ms));
      }
      for (Map.Entry<String, String> one : metadata.entrySet()) {
        options =
            one.getKey().endsWith("-bin") && !metadata_as_text
                ? options.metadata(one.getKey(), bytesOf(one.getValue()))
                : options.metadata(one.getKey(), one.getValue());
      }
      return options;
    }
  }

  private static byte[] bytesOf(String hexadecimal) {
    byte[] bytes = new byte[hexadecimal.length() / 2];
    for (int i = 0; i < bytes.length; ++i) {
      bytes[i] = (byte) Integer.parseInt(hexadecimal.substring(2 * i, 2 * i + 2), 16);
    }
    return bytes;
  }

  private static final Gson GSON = new Gson();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final LLMGateway gateway;
  // Each is there once its call has begun, or is to be cancelled.
  private final Map<Integer, CompletableFuture<Runnable>> cancels = new ConcurrentHashMap<>();

  private JavaDriver(LLMGateway gateway) {
    this.gateway = gateway;
  }

  /** What a result says of an error. */
  private static Map<String, ?> told(Throwable error) {
    if (error instanceof ConfigurationException) {
      ConfigurationException wrong = (ConfigurationException) error;
      return Map.of("wrong_option", wrong.option(), "message", wrong.getMessage());
    }
    return Map.of("error", failure(error));
  }

  private static Map<String, Object> failure(Throwable error) {
    if (!(error instanceof LLMGatewayException)) {
      return Map.of("untyped", error.toString());
    }
    LLMGatewayException failure = sentElsewhere((LLMGatewayException) error);
    Map<String, Object> told = new java.util.HashMap<>();
    told.put("code", failure.code().name());
    told.put("reason", failure.reason());
    told.put("message", failure.getMessage());
    told.put("metadata", failure.metadata());
    failure.retryAfter().ifPresent(delay -> told.put("retry_after_ms", delay.toMillis()));
    told.put(
        "fields",
        failure.violations().stream()
            .map(LLMGatewayException.Violation::field)
            .collect(Collectors.toList()));
    told.put(
        "quotas",
        failure.quotas().stream()
            .map(LLMGatewayException.Quota::subject)
            .collect(Collectors.toList()));
    told.put("request_id", failure.requestId());
    return told;
  }

  // What an exception loses where frameworks send it from one machine to another is missed here.
  private static LLMGatewayException sentElsewhere(LLMGatewayException failure) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(failure);
      out.flush();
      return (LLMGatewayException)
          new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
    } catch (IOException | ClassNotFoundException problem) {
      throw new IllegalStateException(problem);
    }
  }

  private static void tell(int id, Map<String, ?> result) {
    Map<String, Object> told = new java.util.HashMap<>(result);
    told.put("id", id);
    synchronized (OUT) {
      OUT.println(GSON.toJson(told));
    }
  }

  private CompletableFuture<Runnable> cancelOf(int id) {
    return cancels.computeIfAbsent(id, absent -> new CompletableFuture<>());
  }

  /** Tells what becomes of a future, and lets it be cancelled. */
  private <T> void answer(
      Command command, CompletableFuture<T> future, Function<T, Map<String, ?>> shown) {
    cancelOf(command.id).complete(() -> future.cancel(true));
    if (command.future_timeout_ms > 0) {
      future.orTimeout(command.future_timeout_ms, TimeUnit.MILLISECONDS);
    }
    future.whenComplete(
        (answer, error) -> {
          if (error instanceof CancellationException) {
            // As a future's own; the call's end is seen at the upstream.
            tell(
                command.id,
                Map.of("error", Map.of("code", "CANCELLED", "reason", "", "message", "")));
          } else if (error instanceof TimeoutException) {
            // As a future's own, too.
            tell(command.id, Map.of("error", Map.of("code", "DEADLINE_EXCEEDED")));
          } else {
            tell(
                command.id,
                error == null ? shown.apply(answer) : told(error));
          }
        });
  }

  private void read(Command command, GenerateStream stream) {
    cancelOf(command.id).complete(stream::close);
    List<String> events = new ArrayList<>();
    List<Long> seqs = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    Map<String, Object> told = new java.util.HashMap<>();
    int deltas = 0;
    try {
      for (GenerateEvent event : stream) {
        events.add(event.getEventCase().name().toLowerCase(Locale.ROOT));
        seqs.add(event.getSeq());
        text.append(event.getDelta().getText());
        if (event.hasDelta() && ++deltas == command.close_after) {
          stream.close();
          break;
        }
      }
      if (command.close_after > 0) {
        // Whoever goes on reading is told.
        while (stream.iterator().hasNext()) {
          stream.iterator().next();
        }
      }
    } catch (LLMGatewayException error) {
      told.put("error", failure(error));
    }
    StreamEnd end = stream.end().orElse(StreamEnd.getDefaultInstance());
    told.put("events", events);
    told.put("seqs", seqs);
    told.put("text", text.toString());
    told.put("request_id", stream.requestId());
    told.put("last_seq", stream.lastSeq());
    told.put("outcome", end.getOutcome().name());
    told.put("input_tokens", end.getUsage().getInputTokens());
    told.put("output_tokens", end.getUsage().getOutputTokens());
    tell(command.id, told);
  }

  private static Map<String, ?> whole(GenerateResponse answer) {
    return Map.of(
        "text",
        LLMGateway.textOf(answer),
        "request_id",
        answer.getRequestId(),
        "input_tokens",
        answer.getUsage().getInputTokens(),
        "output_tokens",
        answer.getUsage().getOutputTokens(),
        "finish_reason",
        answer.getChoicesCount() == 0 ? "" : answer.getChoices(0).getFinishReason().name());
  }

  private static List<String> names(List<Model> models) {
    return models.stream().map(Model::getName).collect(Collectors.toList());
  }

  private static Map<String, ?> shown(Session session) {
    return Map.of("session", session.getId(), "messages", session.getMessagesCount());
  }

  private void run(String what, Command command) {
    RequestOptions options = command.options();
    switch (what) {
      case "generate":
        answer(command, gateway.generateAsync(command.request(), options), JavaDriver::whole);
        break;
      case "stream":
        read(command, gateway.stream(command.request(), options));
        break;
      case "resume":
        read(command, gateway.resume(command.request_id, command.after_seq, options));
        break;
      case "count":
        CountTokensResponse count = gateway.countTokens(command.request(), options);
        tell(command.id, Map.of("input_tokens", count.getInputTokens()));
        break;
      case "embed":
        answer(
            command,
            gateway.embedAsync(
                EmbedRequest.newBuilder()
                    .setModel(command.model)
                    .addInputs(EmbedInput.newBuilder().setText(command.text))
                    .build(),
                options),
            vectors ->
                Map.of(
                    "vectors",
                    vectors.getEmbeddingsList().stream()
                        .map(one -> one.getValuesCount())
                        .collect(Collectors.toList())));
        break;
      case "list_models":
        ListModelsResponse page =
            gateway.listModels(
                ListModelsRequest.newBuilder()
                    .setProviderId(command.provider_id)
                    .setPageSize(command.page_size)
                    .build(),
                options);
        tell(
            command.id,
            Map.of(
                "models", names(page.getModelsList()), "more", !page.getNextPageToken().isEmpty()));
        break;
      case "models":
        tell(command.id, Map.of("models", names(gateway.models(command.provider_id, options))));
        break;
      case "get_model":
        Model model =
            gateway.getModel(GetModelRequest.newBuilder().setName(command.name).build(), options);
        tell(command.id, Map.of("name", model.getName(), "provider", model.getProvider()));
        break;
      case "create_session":
        tell(
            command.id,
            shown(
                gateway.createSession(
                    CreateSessionRequest.newBuilder()
                        .setTtl(Duration.newBuilder().setSeconds(command.ttl_s))
                        .build(),
                    options)));
        break;
      case "get_session":
        tell(command.id, shown(gateway.getSession(command.session, options)));
        break;
      case "delete_session":
        gateway.deleteSession(command.session, options);
        tell(command.id, Map.of());
        break;
      case "list_tools":
        tell(
            command.id,
            Map.of(
                "tools",
                gateway.listTools(options).getToolsList().stream()
                    .map(FunctionTool::getName)
                    .collect(Collectors.toList())));
        break;
      case "execute_tool":
        ExecuteToolResponse done =
            gateway.executeTool(
                ExecuteToolRequest.newBuilder()
                    .setName(command.name)
                    .setArguments(command.arguments)
                    .build(),
                options);
        tell(
            command.id,
            Map.of(
                "name",
                done.getName(),
                "success",
                done.getSuccess(),
                "result",
                done.getResult(),
                "error",
                done.getError()));
        break;
      default:
        tell(command.id, Map.of("untyped", "unknown command " + what));
    }
  }

  private static LLMGateway connect(Settings settings) {
    LLMGatewayBuilder builder = LLMGateway.builder(settings.target);
    if (settings.plaintext) {
      builder.plaintext();
    }
    if (settings.api_key != null) {
      builder.apiKey(settings.api_key);
    }
    if (settings.ca != null) {
      builder.rootCertificates(new File(settings.ca));
    }
    if (settings.cert != null || settings.key != null) {
      builder.clientCertificate(
          settings.cert == null ? null : new File(settings.cert),
          settings.key == null ? null : new File(settings.key));
    }
    if (settings.server_name != null) {
      builder.serverName(settings.server_name);
    }
    if (settings.wait_for_ready) {
      builder.waitForReady();
    }
    if (settings.attempts_max != null) {
      builder.attempts(settings.attempts_max);
    }
    if (settings.generate_timeout_ms != null) {
      builder.generateTimeout(java.time.Duration.ofMillis(settings.generate_timeout_ms));
    }
    if (settings.lookup_timeout_ms != null) {
      builder.lookupTimeout(java.time.Duration.ofMillis(settings.lookup_timeout_ms));
    }
    if (settings.metadata != null) {
      builder.metadata(() -> settings.metadata);
    }
    return builder.build();
  }

  public static void main(String[] args) throws Exception {
    LLMGateway gateway = null;
    try {
      gateway = connect(GSON.fromJson(args[0], Settings.class));
    } catch (ConfigurationException wrong) {
      OUT.println(GSON.toJson(told(wrong)));
      System.exit(1);
    }
    JavaDriver driver = new JavaDriver(gateway);
    ExecutorService callers = Executors.newCachedThreadPool();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String what = GSON.fromJson(line, JsonObject.class).get("do").getAsString();
      Command command = GSON.fromJson(line, Command.class);
      if (what.equals("cancel")) {
        driver.cancelOf(command.id).thenAccept(Runnable::run);
        continue;
      }
      if (what.equals("close")) {
        gateway.close();
        continue;
      }
      callers.submit(
          () -> {
            try {
              driver.run(what, command);
            } catch (RuntimeException error) {
              tell(command.id, told(error));
            }
          });
    }
    System.exit(0);
  }
}
