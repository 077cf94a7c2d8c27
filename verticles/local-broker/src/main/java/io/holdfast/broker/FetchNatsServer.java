package io.holdfast.broker;

import java.nio.file.Path;

/**
 * {@code FetchNatsServer TOOLS_FOLDER}: sees to it, once per build, that there is a nats-server, so
 * that no test downloads anything. Exit code 0: one is there; 1: none, and what to do is printed;
 * 2: wrong usage.
 */
public final class FetchNatsServer {

  private FetchNatsServer() {}

  public static void main(String[] arguments) {
    if (arguments.length != 1) {
      System.err.println("Usage: FetchNatsServer TOOLS_FOLDER");
      System.exit(2);
    }
    try {
      NatsServerBinary server =
          NatsServerBinary.findOrFetch(Path.of(arguments[0]), System.out::println);
      System.out.println("Using nats-server %s, %s".formatted(server.version(), server.path()));
    } catch (NatsServerException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }
}
