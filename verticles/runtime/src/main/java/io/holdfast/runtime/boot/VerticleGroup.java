package io.holdfast.runtime.boot;

import io.vertx.core.VerticleBase;
import io.vertx.ext.web.Router;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * One deployable service: a name, the streams it stands on, and a composition root that wires its
 * parts together.
 */
public interface VerticleGroup {

  /** As in file names, logs and metrics: {@code payments}. */
  String name();

  /** The port its HTTP binds if {@code HTTP_PORT} does not say otherwise. */
  int defaultPort();

  /**
   * Streams that it reads or writes, without a namespace; empty for a group that needs no broker.
   */
  Set<String> streams();

  /**
   * Makes the group's parts. Pure wiring: nothing is contacted here.
   *
   * @throws io.holdfast.runtime.config.SettingsException if a setting of its own is at fault
   */
  Parts assemble(GroupContext context);

  /**
   * What a group is made of.
   *
   * @param verticles deployed in order once the broker and the streams are there
   * @param routes put on the group's HTTP server, which answers from the start
   * @param checks of readiness, by name: each tells what is wrong, or nothing
   */
  record Parts(
      List<VerticleBase> verticles, Consumer<Router> routes, Map<String, Supplier<String>> checks) {

    public Parts(List<VerticleBase> verticles, Consumer<Router> routes) {
      this(verticles, routes, Map.of());
    }
  }
}
