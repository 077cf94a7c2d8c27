package io.holdfast.runtime.support;

import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.Broker;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.GroupStreams;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Reactions;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * What a process of group inventory has of the broker: a connection, and its streams, made ready.
 * No HTTP.
 */
public final class TestProcess implements AutoCloseable {

  private static final Set<String> STREAMS =
      Set.of("ORDERS", "INVENTORY", "DEADLETTERS", "REDRIVES");

  private final Platform platform = Platform.start();
  private final CommonSettings settings;
  private final Broker broker;
  private final GroupStreams streams;

  private TestProcess(String group, Map<String, String> env) {
    this.settings = CommonSettings.read(new Settings(env), 0);
    this.broker = platform.broker(settings, "test");
    this.streams =
        new GroupStreams(platform.vertx(), broker, group, settings, STREAMS, platform.meters());
  }

  /**
   * On a broker, in a namespace, not waiting for either.
   *
   * @param variables names and values in turn
   */
  public static TestProcess starting(String url, String namespace, String... variables) {
    return starting("inventory", url, namespace, variables);
  }

  private static TestProcess starting(
      String group, String url, String namespace, String... variables) {
    Map<String, String> env = new HashMap<>();
    env.put("NATS_URL", url);
    env.put("NAMESPACE", namespace);
    env.put("STREAM_MAX_BYTES", Long.toString(64L << 20));
    env.put("RETRY_BASE_MS", "10");
    env.put("RETRY_CAP_MS", "50");
    for (int i = 0; i < variables.length; i += 2) {
      env.put(variables[i], variables[i + 1]);
    }
    return new TestProcess(group, env);
  }

  /** As {@link #on}, but of another group. */
  public static TestProcess of(String group, String url, String namespace, String... variables) {
    TestProcess process = starting(group, url, namespace, variables);
    get(process.streams.whenReady());
    return process;
  }

  /** As {@link #starting}, and waits until it is ready. */
  public static TestProcess on(String url, String namespace, String... variables) {
    TestProcess process = starting(url, namespace, variables);
    get(process.streams.whenReady());
    return process;
  }

  /** Over the shared broker, in a namespace that nobody else uses. */
  public static TestProcess inNewNamespace(String... variables) {
    return on(TestServer.shared().url(), TestServer.newName(), variables);
  }

  public GroupStreams streams() {
    return streams;
  }

  /** Takes orders, as inventory does, from now on. */
  public void takeOrders(Function<Delivery<OrderCreated>, Future<Outcome>> handler) {
    get(streams.consume("inventory-reserve", Reactions.on(OrderCreated.class, handler)));
  }

  public Platform platform() {
    return platform;
  }

  public CommonSettings settings() {
    return settings;
  }

  public Broker broker() {
    return broker;
  }

  /** A stream's full name. */
  public String stream(String name) {
    return settings.subjects().stream(name);
  }

  /** A subject with the namespace in front. */
  public String subject(String name) {
    return settings.subjects().subject(name);
  }

  /** What the future brings, within 15 s. */
  public static <T> T get(Future<T> future) {
    try {
      return future.await(15, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("nothing came within 15 s", e);
    }
  }

  /** How it fails, which must be by the broker, within a limit. */
  public static BrokerException failure(Future<?> future, Duration limit) {
    try {
      Object result = future.await(limit.toMillis(), TimeUnit.MILLISECONDS);
      throw new AssertionError("did not fail, but brought " + result);
    } catch (TimeoutException e) {
      throw new AssertionError("nothing came within " + limit, e);
    } catch (BrokerException expected) {
      return expected;
    }
  }

  /** Ends as a crash would: nothing is finished or given back. */
  public void crash() {
    get(platform.close());
  }

  @Override
  public void close() {
    get(platform.close());
  }
}
