package io.holdfast.broker;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/**
 * A JVM that starts a server, says {@code <server's pid> <port>}, and lives until it is ended: the
 * first argument is the folder, the second whether the server stops with the JVM.
 */
final class BrokerParent {

  private BrokerParent() {}

  public static void main(String[] arguments) throws InterruptedException {
    NatsServer server =
        NatsServer.start(
            NatsServerBinary.require(ProjectRoot.toolsFolder()),
            NatsServerConfig.in(Path.of(arguments[0]))
                .stopWithJvm(Boolean.parseBoolean(arguments[1]))
                .build());
    System.out.println(server.pid() + " " + server.port());
    new CountDownLatch(1).await();
  }
}
