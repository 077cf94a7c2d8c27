package io.holdfast.testkit;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Verticle groups running in this JVM, on free ports, in a namespace of their own, over the shared
 * broker unless told otherwise. Not a simulation of the groups: the same code that a fat JAR runs.
 */
public final class TestGroups implements AutoCloseable {

  private final Platform platform = Platform.start();
  private final List<RunningGroup> groups = new ArrayList<>();
  private final Map<String, String> env = new HashMap<>();

  private TestGroups(String natsUrl, String namespace) {
    env.put("NATS_URL", natsUrl);
    env.put("NAMESPACE", namespace);
    env.put("HOST", "127.0.0.1");
    env.put("HTTP_PORT", "0");
    env.put("STREAM_MAX_BYTES", Long.toString(64L << 20));
    env.put("RETRY_BASE_MS", "20");
    env.put("RETRY_CAP_MS", "200");
    env.put("DRAIN_GRACE_MS", "0");
    env.put("DRAIN_TIMEOUT_SECONDS", "10");
  }

  /** Over the shared broker, in a new namespace. */
  public static TestGroups inNewNamespace() {
    return new TestGroups(TestBroker.shared().url(), TestBroker.newNamespace());
  }

  public static TestGroups on(String natsUrl, String namespace) {
    return new TestGroups(natsUrl, namespace);
  }

  /** Sets a variable for the groups that are started after this. */
  public TestGroups with(String variable, String value) {
    env.put(variable, value);
    return this;
  }

  /** Starts a group and waits until it is ready. */
  public RunningGroup start(VerticleGroup group) {
    RunningGroup running = startOnly(group);
    eventually(group.name() + " is ready", () -> running.notReady(), String::isEmpty);
    return running;
  }

  /** Starts a group and waits only until its HTTP answers. */
  public RunningGroup startOnly(VerticleGroup group) {
    try {
      RunningGroup running =
          RunningGroup.start(group, env, platform, group.name()).await(20, TimeUnit.SECONDS);
      groups.add(running);
      return running;
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError(group.name() + " did not start", e);
    }
  }

  /**
   * Ends at once, without a drain: what is in process stays undone and unsettled, as after a crash.
   * What the kernel of a real process would have lost as well, is for tests with real processes.
   */
  public void crash() {
    groups.clear();
    try {
      platform.close().await(15, TimeUnit.SECONDS);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError("the connection did not close", e);
    }
  }

  public String namespace() {
    return env.get("NAMESPACE");
  }

  public Vertx vertx() {
    return platform.vertx();
  }

  public Platform platform() {
    return platform;
  }

  /** The base address of a started group. */
  public static String url(RunningGroup group) {
    return "http://127.0.0.1:" + group.port();
  }

  @Override
  public void close() {
    try {
      for (RunningGroup group : groups.reversed()) {
        group.drain().await(15, TimeUnit.SECONDS);
      }
      platform.close().await(15, TimeUnit.SECONDS);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError("the groups did not stop", e);
    }
  }
}
