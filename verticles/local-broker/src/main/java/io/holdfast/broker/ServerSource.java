package io.holdfast.broker;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Somewhere to get a nats-server from. */
interface ServerSource {

  /** What this source is, in a few words. */
  String name();

  /**
   * Downloads and unpacks a server.
   *
   * @param folder empty, ours alone, and deleted afterwards
   * @return the program, somewhere in the folder
   * @throws IOException if this source has none for this machine, or did not deliver
   */
  Path unpackInto(Path folder, Consumer<String> progress) throws IOException;
}
