import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.llmgateway.v1.Choice;
import dev.llmgateway.v1.GatewayServiceGrpc;
import dev.llmgateway.v1.GatewayServiceGrpc.GatewayServiceBlockingStub;
import dev.llmgateway.v1.GenerateEvent;
import dev.llmgateway.v1.GenerateRequest;
import dev.llmgateway.v1.GenerateResponse;
import dev.llmgateway.v1.Message;
import dev.llmgateway.v1.Part;
import dev.llmgateway.v1.Role;
import dev.llmgateway.v1.StreamEnd;
import dev.llmgateway.v1.Usage;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Calls a gateway through Java's stubs: JavaSmoke ADDRESS.
 *
 * <p>Prints what smoke.py checks.
 */
final class JavaSmoke {
  private static final int TIMEOUT_SECONDS = 30;

  private final GatewayServiceBlockingStub stub;

  private JavaSmoke(ManagedChannel channel) {
    stub =
        GatewayServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(TIMEOUT_SECONDS, TimeUnit.SECONDS);
  }

  private static GenerateRequest.Builder prompt() {
    return GenerateRequest.newBuilder()
        .setModel("mock-model")
        .addMessages(
            Message.newBuilder()
                .setRole(Role.ROLE_USER)
                .addParts(Part.newBuilder().setText("Hello")));
  }

  private String generate() {
    GenerateResponse response = stub.generate(prompt().build());
    Choice choice = response.getChoices(0);
    String text =
        choice.getMessage().getPartsList().stream()
            .map(Part::getText)
            .collect(Collectors.joining());
    return object(
        pair("text", text),
        pair("finish_reason", choice.getFinishReason().name()),
        tokens(response.getUsage()));
  }

  private String streamGenerate() {
    List<String> events = new ArrayList<>();
    List<String> seqs = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    StreamEnd end = StreamEnd.getDefaultInstance();
    Iterator<GenerateEvent> stream = stub.streamGenerate(prompt().build());
    while (stream.hasNext()) {
      GenerateEvent event = stream.next();
      events.add(quote(event.getEventCase().name().toLowerCase(Locale.ROOT)));
      seqs.add(Long.toString(event.getSeq()));
      text.append(event.getDelta().getText());
      if (event.hasEnd()) {
        end = event.getEnd();
      }
    }
    return object(
        quote("events") + ": [" + String.join(", ", events) + "]",
        quote("seqs") + ": [" + String.join(", ", seqs) + "]",
        pair("text", text.toString()),
        pair("outcome", end.getOutcome().name()),
        tokens(end.getUsage()));
  }

  private String fail() throws InvalidProtocolBufferException {
    try {
      GenerateResponse unused =
          stub.generate(prompt().setProviderId("nobody").build());
    } catch (StatusRuntimeException error) {
      ErrorInfo info = ErrorInfo.getDefaultInstance();
      for (var detail : StatusProto.fromThrowable(error).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          info = detail.unpack(ErrorInfo.class);
        }
      }
      return object(
          pair("code", error.getStatus().getCode().name()),
          pair("reason", info.getReason()),
          pair("domain", info.getDomain()),
          pair("provider", info.getMetadataOrDefault("provider", "")));
    }
    throw new AssertionError("an unknown provider has answered");
  }

  private static String tokens(Usage usage) {
    return quote("input_tokens")
        + ": "
        + usage.getInputTokens()
        + ", "
        + quote("output_tokens")
        + ": "
        + usage.getOutputTokens();
  }

  private static String object(String... members) {
    return "{" + String.join(", ", members) + "}";
  }

  private static String pair(String key, String value) {
    return quote(key) + ": " + quote(value);
  }

  private static String quote(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  public static void main(String[] args) throws Exception {
    ManagedChannel channel =
        ManagedChannelBuilder.forTarget(args[0]).usePlaintext().build();
    try {
      JavaSmoke smoke = new JavaSmoke(channel);
      new PrintStream(System.out, true, StandardCharsets.UTF_8)
          .println(
              object(
                  quote("generate") + ": " + smoke.generate(),
                  quote("stream") + ": " + smoke.streamGenerate(),
                  quote("error") + ": " + smoke.fail()));
    } finally {
      channel.shutdownNow();
    }
  }
}
