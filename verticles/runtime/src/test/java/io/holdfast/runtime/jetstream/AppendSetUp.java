package io.holdfast.runtime.jetstream;

import io.holdfast.broker.NatsServer;
import io.holdfast.runtime.support.Line;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that appends, and what stands behind it: the shared broker, one of the test's own that
 * it may kill, or a line to the shared one that loses answers.
 */
abstract class AppendSetUp {

  @TempDir Path folder;
  TestProcess process;
  NatsServer server;
  Line line;

  private final String[] variables;

  /**
   * @param variables the process's, names and values in turn
   */
  AppendSetUp(String... variables) {
    this.variables = variables;
  }

  @AfterEach
  void close() throws Exception {
    // In this order, or the process would wait for a broker that is gone.
    for (AutoCloseable open : new AutoCloseable[] {process, line, server}) {
      if (open != null) {
        open.close();
      }
    }
  }

  final EventStreams shared() {
    return on(TestServer.shared().url());
  }

  final EventStreams overALine() {
    line = Line.to(TestServer.shared().url());
    return on(line.url());
  }

  final EventStreams withABrokerOfItsOwn() {
    server = TestServer.own(folder);
    return on(server.url());
  }

  private EventStreams on(String url) {
    process = TestProcess.on(url, TestServer.newName(), variables);
    return process.streams();
  }
}
