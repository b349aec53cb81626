package dev.llmgateway;

/**
 * What is wrong with an option of an {@link LLMGateway} or of a call, which then is not made. It
 * never shows a secret.
 *
 * <pre>{@code
 * try {
 *   gateway = LLMGateway.builder(target).rootCertificates(pem).build();
 * } catch (ConfigurationException wrong) {
 *   System.err.println(wrong.option()); // "rootCertificates"
 * }
 * }</pre>
 */
public final class ConfigurationException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final String option;

  ConfigurationException(String option, String problem) {
    this(option, problem, null);
  }

  ConfigurationException(String option, String problem, Throwable cause) {
    super(option + " " + problem, cause);
    this.option = option;
  }

  /** What is wrong, such as {@code apiKey} or, of a call, {@code metadata["x-team"]}. */
  public String option() {
    return option;
  }
}
