package io.holdfast.launcher;

import io.holdfast.events.Subjects;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * Which system a command looks at: the one that runs over the data folder, unless options or the
 * environment name another.
 */
final class SystemOptions extends DataFolder {

  /** For a system whose payments go to a gateway that nobody here can ask. */
  static final String NO_GATEWAY = "none";

  @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
  private CommandLine.Model.CommandSpec command;

  @Option(
      names = "--nats",
      paramLabel = "URL",
      description = "The broker. Default: the running system's, else NATS_URL")
  private String natsUrl;

  @Option(
      names = "--namespace",
      paramLabel = "X",
      description = "Default: the running system's, else NAMESPACE")
  private String namespace;

  @Option(
      names = "--gateway",
      paramLabel = "URL",
      description =
          "The gateway simulator, or 'none'. Default: the running system's, else"
              + " PAYMENT_GATEWAY_URL")
  private String gateway;

  /** Whether the system was named by an option, so that what was noted here is not about it. */
  boolean elsewhere() {
    return natsUrl != null;
  }

  /**
   * Its gateway simulator's address, or {@link #NO_GATEWAY}; empty if it is not known.
   *
   * @throws CommandLine.ParameterException if what was given cannot be one
   */
  Optional<String> gatewayUrl() {
    return first(gateway, system().map(system -> system.url("gateway")), "PAYMENT_GATEWAY_URL")
        .map(url -> url.equals(NO_GATEWAY) ? url : gatewayAt(url));
  }

  private String gatewayAt(String url) {
    String from = gateway == null ? "PAYMENT_GATEWAY_URL=" : "--gateway ";
    return Api.base(command, from, url, ", or " + NO_GATEWAY).toString();
  }

  /** The broker's address; empty if nothing runs here and nothing was named. */
  Optional<String> natsUrl() {
    return first(natsUrl, system().map(RunningSystem::natsUrl), "NATS_URL");
  }

  /**
   * Part of every name of the system's.
   *
   * @throws CommandLine.ParameterException if what was given cannot be one
   */
  String namespace() {
    String name = first(namespace, system().map(RunningSystem::namespace), "NAMESPACE").orElse("");
    Subjects.wrongWithNamespace(name)
        .ifPresent(
            rule -> {
              String from = namespace == null ? "NAMESPACE=" : "--namespace ";
              throw new CommandLine.ParameterException(
                  command.commandLine(), from + name + ": " + rule);
            });
    return name;
  }

  /**
   * A connection to its streams.
   *
   * @throws IllegalStateException with what to do, if there is no broker
   */
  StreamAccess open() {
    return StreamAccess.open(broker(), namespace());
  }

  /**
   * As {@link #open}, where the streams may not be there yet.
   *
   * @throws IllegalStateException with what to do, if there is no broker
   */
  StreamAccess openToProvision(Duration patience) {
    return StreamAccess.openToProvision(broker(), namespace(), patience);
  }

  /** As {@link #openToProvision}, as one of the broker's users. */
  StreamAccess openAs(String user, String password) {
    return StreamAccess.openAs(broker(), namespace(), user, password);
  }

  private String broker() {
    return natsUrl()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    nothingRuns()
                        + " Start it with ./holdfast up, or say where the broker is: --nats nats://host:port"));
  }

  private static Optional<String> first(String option, Optional<String> running, String variable) {
    if (option != null) {
      return Optional.of(option);
    }
    String fromEnvironment = System.getenv(variable);
    return running.isPresent()
        ? running
        : Optional.ofNullable(fromEnvironment).filter(value -> !value.isEmpty());
  }
}
