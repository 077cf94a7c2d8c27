package io.holdfast.launcher;

import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.boot.VerticleGroup;
import io.holdfast.runtime.telemetry.Logging;
import io.vertx.core.Future;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToIntFunction;

/** Every group in this JVM, over one Vert.x and one connection to the broker. */
final class ServicesInJvm implements UpCommand.Services {

  private static final Duration STOP_LIMIT = Duration.ofMinutes(12);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(15);

  /** What groups that were told to hurry may need by far. */
  private static final Duration HURRY_LIMIT = Duration.ofSeconds(2);

  private final Platform platform;
  private final List<RunningGroup> groups;
  private final CompletableFuture<Void> enough = new CompletableFuture<>();

  private ServicesInJvm(Platform platform, List<RunningGroup> groups) {
    this.platform = platform;
    this.groups = groups;
  }

  static ServicesInJvm start(Map<String, String> env, ToIntFunction<VerticleGroup> port, Path logs)
      throws IOException, TimeoutException {
    Logging.toFile(logs.resolve("holdfast.log"), "holdfast", env);
    Platform platform = Platform.start();
    List<RunningGroup> groups = new ArrayList<>();
    for (VerticleGroup group : Groups.ALL) {
      Map<String, String> own = new HashMap<>(env);
      own.put("HTTP_PORT", Integer.toString(port.applyAsInt(group)));
      groups.add(RunningGroup.start(group, own, platform, "holdfast").await(30, TimeUnit.SECONDS));
    }
    return new ServicesInJvm(platform, groups);
  }

  @Override
  public Map<String, Long> pids() {
    return Map.of("holdfast", ProcessHandle.current().pid());
  }

  @Override
  public void awaitReady(Map<String, String> urls, Duration limit) throws InterruptedException {
    ServiceProbe.awaitReady(urls, limit);
  }

  @Override
  public boolean stop() {
    List<Future<Boolean>> drains = groups.stream().map(RunningGroup::drain).toList();
    try {
      CompletableFuture.anyOf(Future.join(drains).toCompletionStage().toCompletableFuture(), enough)
          .get(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS);
      platform
          .close()
          .await((enough.isDone() ? HURRY_LIMIT : CLOSE_LIMIT).toSeconds(), TimeUnit.SECONDS);
      return drains.stream().allMatch(drain -> Boolean.TRUE.equals(drain.result()));
    } catch (TimeoutException | ExecutionException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void hurry() {
    groups.forEach(RunningGroup::hurry);
    enough.completeOnTimeout(null, HURRY_LIMIT.toSeconds(), TimeUnit.SECONDS);
  }
}
