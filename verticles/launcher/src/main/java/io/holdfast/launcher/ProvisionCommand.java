package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.runtime.jetstream.Provisioned;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Creates what services only look for where they are told {@code PROVISION=false}. What exists is
 * never changed.
 */
@Command(
    name = "provision",
    mixinStandardHelpOptions = true,
    description =
        "Creates the streams and consumers that are missing and checks those that are there; exit"
            + " status 1 if one is not as it must be.")
final class ProvisionCommand implements Callable<Integer> {

  private static final Duration BETWEEN_ATTEMPTS = Duration.ofMillis(500);

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private SystemOptions system;

  @Option(names = "--check", description = "Creates nothing")
  private boolean check;

  @Option(
      names = "--wait",
      paramLabel = "SECONDS",
      description = "For a broker that is not there yet. Default: 60")
  private int waitSeconds = 60;

  @Option(
      names = "--print-rights",
      description = "Prints what each user may do, for nats-server's configuration; asks no broker")
  private boolean printRights;

  @Option(names = "--nkeys", description = "With --print-rights: users by nkey, not by password")
  private boolean nkeys;

  @Override
  public Integer call() throws Exception {
    if (waitSeconds < 0) {
      throw new CommandLine.ParameterException(spec.commandLine(), "--wait must be 0 or more");
    }
    if (nkeys && !printRights) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--nkeys goes with --print-rights");
    }
    if (printRights) {
      System.out.print(BrokerUsers.file(system.namespace(), nkeys));
      return 0;
    }
    try (StreamAccess broker = system.openToProvision(Duration.ofSeconds(waitSeconds))) {
      Provisioned provisioned = provision(broker);
      List<String> problems = provisioned.problems();
      provisioned.absent().forEach(each -> say("  %s  %s", Terminal.faint("absent "), each));
      problems.forEach(each -> say("  %s  %s", Terminal.bad("WRONG  "), each));
      say(
          problems.isEmpty()
              ? Terminal.good(
                  "Every stream and every consumer that must be is there and as it must be")
              : Terminal.bad("Not as it must be; what exists is never changed by this command"));
      return problems.isEmpty() ? 0 : 1;
    }
  }

  /** A stream of a cluster that was made a moment ago may have no leader to ask yet. */
  private Provisioned provision(StreamAccess broker) {
    long deadline = System.nanoTime() + Duration.ofSeconds(waitSeconds).toNanos();
    while (true) {
      try {
        return StreamAccess.get(
            broker.provision(
                !check, created -> say("  %s  %s", Terminal.good("created"), created)));
      } catch (Exception noAnswer) { // among them the client's IOException, which is not declared
        if (System.nanoTime() - deadline > 0) {
          throw new IllegalStateException(noAnswer.getMessage(), noAnswer);
        }
        LockSupport.parkNanos(BETWEEN_ATTEMPTS.toNanos());
      }
    }
  }
}
