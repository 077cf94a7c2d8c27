package io.holdfast.broker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** A program that does nothing but say a version, to try how a server is looked for. */
final class FakeServer {

  private FakeServer() {}

  /** Puts one into this folder, which is made if it is missing. */
  static Path in(Path folder, String version) throws IOException {
    return script(folder, "echo 'nats-server: v%s'".formatted(version));
  }

  static Path script(Path folder, String body) throws IOException {
    Files.createDirectories(folder);
    Path file = folder.resolve(NatsServerBinary.NAME);
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }
}
