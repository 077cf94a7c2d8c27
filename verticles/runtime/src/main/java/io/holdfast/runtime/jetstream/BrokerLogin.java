package io.holdfast.runtime.jetstream;

import io.holdfast.runtime.config.NatsSettings;
import io.holdfast.runtime.config.NatsSettings.Credentials;
import io.holdfast.runtime.security.Nkey;
import io.nats.client.AuthHandler;
import io.nats.client.Options;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** Tells the client library who we are, and how to see that the broker is the right one. */
final class BrokerLogin {

  private BrokerLogin() {}

  static void configure(Options.Builder builder, NatsSettings settings) {
    settings
        .user()
        .ifPresent(
            user ->
                builder.userInfo(
                    user.toCharArray(), settings.password().orElseThrow().reveal().toCharArray()));
    settings.nkey().ifPresent(key -> builder.authHandler(new WithKey(key)));
    settings.credentials().ifPresent(file -> builder.authHandler(new WithFile(file)));
    settings.tls().ifPresent(files -> builder.sslContext(files.fresh(settings.hosts())));
  }

  private record WithKey(Nkey key) implements AuthHandler {
    @Override
    public byte[] sign(byte[] nonce) {
      return key.sign(nonce);
    }

    @Override
    public char[] getID() {
      return key.publicKey().toCharArray();
    }

    @Override
    public char[] getJWT() {
      return new char[0];
    }
  }

  /** Read at each connect, so that credentials may be replaced under a running process. */
  private record WithFile(Path file) implements AuthHandler {
    @Override
    public byte[] sign(byte[] nonce) {
      return read().key().sign(nonce);
    }

    /** The token holds it. */
    @Override
    public char[] getID() {
      return new char[0];
    }

    @Override
    public char[] getJWT() {
      return read().token().reveal().toCharArray();
    }

    private Credentials read() {
      try {
        return NatsSettings.credentials(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
