package io.holdfast.system;

import io.holdfast.audit.AuditGroup;
import io.holdfast.gateway.GatewayGroup;
import io.holdfast.inventory.InventoryGroup;
import io.holdfast.notifications.NotificationsGroup;
import io.holdfast.orders.OrdersGroup;
import io.holdfast.payments.PaymentsGroup;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.config.SettingsException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/**
 * Which environment variables the groups read, asked of the groups themselves: each name is given
 * by a file that does not exist ({@code X_FILE}), and a start refuses exactly those that it reads.
 */
final class KubeVariables {

  static final List<VerticleGroup> GROUPS =
      List.of(
          new OrdersGroup(),
          new InventoryGroup(),
          new PaymentsGroup(),
          new NotificationsGroup(),
          new AuditGroup(),
          new GatewayGroup());

  /** Read by the JVM, not by us. */
  private static final String JVM = "JAVA_TOOL_OPTIONS";

  /** Read by its SDK, which defines them. */
  private static final String OPEN_TELEMETRYS = "OTEL_";

  private static final String NO_FILE = "/no/such/folder/setting";

  private KubeVariables() {}

  static VerticleGroup group(String name) {
    return GROUPS.stream().filter(group -> group.name().equals(name)).findFirst().orElseThrow();
  }

  /** Those of these variables that a group does not read, neither itself nor as a file's name. */
  static Set<String> unreadBy(VerticleGroup group, Set<String> variables) {
    Set<String> unread = new HashSet<>(variables);
    unread.remove(JVM);
    unread.removeIf(variable -> variable.startsWith(OPEN_TELEMETRYS));
    unread.removeAll(readBy(group, unread));
    Set<String> settings = unread.stream().map(KubeVariables::setting).collect(Collectors.toSet());
    Set<String> read = readBy(group, settings);
    unread.removeIf(variable -> read.contains(setting(variable)));
    return unread;
  }

  /** Those that no group's common settings are read from. */
  static Set<String> unreadByAll(Set<String> variables) {
    Set<String> unread = new HashSet<>(variables);
    unread.removeIf(variable -> variable.startsWith(OPEN_TELEMETRYS));
    unread.removeAll(refusedByAll(unread));
    return unread;
  }

  private static Set<String> readBy(VerticleGroup group, Set<String> names) {
    Set<String> read = new HashSet<>(refusedByAll(names));
    Set<String> others = new HashSet<>(names);
    others.removeAll(read);
    if (!others.isEmpty()) {
      read.addAll(refusedByGroup(group, others));
    }
    return read;
  }

  /** The setting that a variable is for: {@code X} for {@code X_FILE}. */
  private static String setting(String variable) {
    return variable.endsWith("_FILE")
        ? variable.substring(0, variable.length() - "_FILE".length())
        : variable;
  }

  private static Set<String> refusedByAll(Set<String> names) {
    try {
      CommonSettings.read(new Settings(inFiles(names)), 8080);
      return Set.of();
    } catch (SettingsException refused) {
      return named(refused, names);
    }
  }

  private static Set<String> refusedByGroup(VerticleGroup group, Set<String> names) {
    Map<String, String> env = inFiles(names);
    env.put("NATS_URL", "nats://127.0.0.1:1");
    env.put("HOST", "127.0.0.1");
    env.put("HTTP_PORT", "0");
    env.put("DRAIN_GRACE_MS", "0"); // nobody here shares requests out among replicas
    if (!names.contains("LEDGER_FILE")) {
      env.put("LEDGER_FILE", NO_FILE); // no ledger shall be begun here
    }
    Platform platform = Platform.start();
    try {
      RunningGroup running =
          RunningGroup.start(group, env, platform, "test").await(20, TimeUnit.SECONDS);
      running.drain().await(20, TimeUnit.SECONDS);
      return Set.of();
    } catch (SettingsException refused) {
      return named(refused, names);
    } catch (TimeoutException e) {
      throw new AssertionError(group.name() + " neither started nor refused to", e);
    } finally {
      platform.close().await();
    }
  }

  private static Map<String, String> inFiles(Set<String> names) {
    Map<String, String> env = new HashMap<>();
    names.forEach(name -> env.put(name + "_FILE", NO_FILE));
    return env;
  }

  private static Set<String> named(SettingsException refused, Set<String> names) {
    Set<String> named = new HashSet<>(names);
    List<String> faults = List.of(refused.getMessage().split("; ", -1));
    named.removeIf(
        name -> faults.stream().noneMatch(fault -> fault.startsWith(name + "_FILE=" + NO_FILE)));
    return named;
  }
}
