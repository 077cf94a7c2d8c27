package io.holdfast.gateway;

import io.holdfast.runtime.boot.Boot;

/** Runs the simulator as a process of its own. */
public final class GatewayMain {

  private GatewayMain() {}

  public static void main(String[] args) {
    Boot.run(new GatewayGroup());
  }
}
