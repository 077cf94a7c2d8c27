package io.holdfast.runtime.jetstream;

import io.nats.client.ErrorListener;
import io.nats.client.Options;
import io.nats.client.impl.SocketDataPortWithWriteTimeout;
import java.io.IOException;

/**
 * The client library's own socket, with an {@link InboundWire} behind it. The library makes it by
 * its class's name, one for each connect.
 */
public final class MendingDataPort extends SocketDataPortWithWriteTimeout {

  /** Is told of messages whose headers had to be mended; an error listener may be one too. */
  interface Listener {
    void headersMended();
  }

  private InboundWire wire = new InboundWire(super::read, () -> {});

  @Override
  public void afterConstruct(Options options) {
    super.afterConstruct(options);
    ErrorListener errors = options.getErrorListener();
    if (errors instanceof Listener listener) {
      wire = new InboundWire(super::read, listener::headersMended);
    }
  }

  @Override
  public int read(byte[] into, int at, int length) throws IOException {
    return wire.read(into, at, length);
  }
}
