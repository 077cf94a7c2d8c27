package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.launcher.doctor.Checkup;
import io.holdfast.launcher.doctor.Finding;
import io.holdfast.launcher.doctor.Finding.Level;
import io.holdfast.launcher.doctor.StorageFacts;
import io.holdfast.runtime.jetstream.Inspection;
import io.holdfast.runtime.jetstream.Rights;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Looks whether the settings are such that the promises can hold. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = "Checks the settings that the promises rest on; exit status 1 if one is unsafe.")
final class DoctorCommand implements Callable<Integer> {

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private SystemOptions system;

  @Option(
      names = "--monitor",
      paramLabel = "URL",
      description = "The broker's monitoring, http://host:8222. Default: the running system's")
  private String monitor;

  @Option(
      names = "--gateway-timeout-ms",
      paramLabel = "N",
      description = "PAYMENT_GATEWAY_TIMEOUT_MS as payments has it. Default: 5000")
  private long gatewayTimeoutMillis = 5_000;

  @Option(
      names = "--users",
      paramLabel = "DIR",
      description =
          "Also try what each user of the broker may do: DIR holds a folder for each, nats-orders,"
              + " with its files user and password, as Secrets are mounted")
  private Path users;

  @Option(names = "--json", description = "For a program")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (gatewayTimeoutMillis < 1) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--gateway-timeout-ms must be 1 or more");
    }
    Inspection inspection;
    List<Finding> rights = new ArrayList<>();
    // A broker that is too old, or streams that are not as they must be, end here with the reason.
    try (StreamAccess streams = system.open()) {
      inspection = StreamAccess.get(streams.inspect());
      if (inspection.authRequired()) {
        rights.add(rights(streams, Rights.OPERATOR));
      }
    }
    rights.addAll(rightsOfUsers());
    List<Finding> findings =
        new ArrayList<>(Checkup.of(inspection, storage(), Duration.ofMillis(gatewayTimeoutMillis)));
    findings.addAll(rights);
    boolean safe = findings.stream().noneMatch(finding -> finding.level() == Level.UNSAFE);
    if (json) {
      say(json(findings, safe).encodePrettily());
    } else {
      findings.forEach(DoctorCommand::tell);
      say("");
      say(safe ? Terminal.good("Nothing unsafe was found") : Terminal.bad("Not safe as it is"));
    }
    return safe ? 0 : 1;
  }

  private List<Finding> rightsOfUsers() throws IOException {
    List<Finding> findings = new ArrayList<>();
    if (users == null) {
      return findings;
    }
    for (Rights rights : BrokerUsers.of(system.namespace())) {
      Path secret = users.resolve("nats-" + rights.user());
      if (Files.isDirectory(secret)) {
        String user = Files.readString(secret.resolve("user")).strip();
        String password = Files.readString(secret.resolve("password")).strip();
        try (StreamAccess as = system.openAs(user, password)) {
          findings.add(rights(as, rights.user()));
        }
      }
    }
    if (findings.isEmpty()) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--users: there is no folder such as nats-orders in " + users);
    }
    return findings;
  }

  private Finding rights(StreamAccess as, String user) {
    Rights rights =
        BrokerUsers.of(system.namespace()).stream()
            .filter(each -> each.user().equals(user))
            .findFirst()
            .orElseThrow();
    return Checkup.rights(user, StreamAccess.get(as.beyond(rights)));
  }

  private Optional<StorageFacts> storage() throws IOException {
    String url =
        monitor != null
            ? monitor
            : system.system().map(running -> running.url(RunningSystem.MONITORING)).orElse(null);
    if (url == null) {
      return Optional.empty();
    }
    try {
      Api.Answer answer = Api.get(url + "/jsz?config=true");
      if (answer.status() != 200) {
        return Optional.empty();
      }
      JsonObject config = answer.json().getJsonObject("config", new JsonObject());
      return Optional.of(
          new StorageFacts(
              config.getBoolean("sync_always", false),
              Duration.ofNanos(config.getLong("sync_interval", 0L)).toSeconds(),
              config.getLong("max_storage", 0L),
              volume(config.getString("store_dir", ""), answer.json().getLong("storage", 0L))));
    } catch (Api.Unreachable e) {
      say("The broker's monitoring does not answer: %s", e.getMessage());
      return Optional.empty();
    }
  }

  /** Only a store on this machine can be looked at. */
  private static long volume(String storeDir, long used) throws IOException {
    Path folder = Path.of(storeDir);
    return storeDir.isEmpty() || !Files.isDirectory(folder)
        ? 0
        : Files.getFileStore(folder).getUsableSpace() + used;
  }

  private static void tell(Finding finding) {
    String mark =
        switch (finding.level()) {
          case OK -> Terminal.good("ok     ");
          case WARNING -> Terminal.bold("warning");
          case UNSAFE -> Terminal.bad("UNSAFE ");
        };
    say("  %s  %-12s %s", mark, finding.check(), finding.says());
    if (!finding.remedy().isEmpty()) {
      say("  %-22s %s", "", Terminal.faint("-> " + finding.remedy()));
    }
  }

  private static JsonObject json(List<Finding> findings, boolean safe) {
    JsonArray list = new JsonArray();
    findings.forEach(
        finding ->
            list.add(
                new JsonObject()
                    .put("level", finding.level().name().toLowerCase(java.util.Locale.ROOT))
                    .put("check", finding.check())
                    .put("says", finding.says())
                    .put("remedy", finding.remedy())));
    return new JsonObject().put("safe", safe).put("findings", list);
  }
}
