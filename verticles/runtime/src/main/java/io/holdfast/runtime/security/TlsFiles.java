package io.holdfast.runtime.security;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyManagementException;
import java.security.KeyStore;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * The files that say whom a client trusts and who it is. They are read anew for each connection, so
 * that a certificate may be replaced under a running process.
 *
 * @param authority PEM; who signs the servers' certificates. Empty for those that the JDK trusts
 * @param certificate PEM; the client's own, with those between it and its authority
 * @param key PEM; the certificate's
 */
public record TlsFiles(Optional<Path> authority, Optional<Path> certificate, Optional<Path> key) {

  private static final char[] NO_PASSWORD = new char[0];

  public TlsFiles {
    if (certificate.isPresent() != key.isPresent()) {
      throw new IllegalArgumentException("a certificate and its key go together");
    }
  }

  /** Reads a file as an authority or a certificate, and forgets it. */
  public static void checkCertificates(Path file) throws IOException {
    PemFiles.certificates(file);
  }

  /** Reads a file as a key, and forgets it. */
  public static void checkKey(Path file) throws IOException {
    PemFiles.privateKey(file);
  }

  /** A context of what the files hold now. */
  public SSLContext load() throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keyManagers(), trustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("the TLS files do not fit each other: " + e.getMessage(), e);
    }
  }

  /**
   * A client's context whose every connection uses what the files hold at that time. A server's
   * certificate must be for the name that it was connected by, or, where that is none of the given
   * ones, as with members of a cluster that tell each other's addresses, for the first of these.
   *
   * @param servers names of those that were asked for, at least one
   */
  public SSLContext fresh(List<String> servers) {
    return new Fresh(this, List.copyOf(servers));
  }

  private KeyManager[] keyManagers() throws IOException, GeneralSecurityException {
    if (certificate.isEmpty()) {
      return new KeyManager[0];
    }
    KeyStore store = empty();
    store.setKeyEntry(
        "client",
        PemFiles.privateKey(key.orElseThrow()),
        NO_PASSWORD,
        PemFiles.certificates(certificate.get()).toArray(Certificate[]::new));
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, NO_PASSWORD);
    return factory.getKeyManagers();
  }

  /** Null, which means the JDK's own, without an authority. */
  private TrustManager[] trustManagers() throws IOException, GeneralSecurityException {
    if (authority.isEmpty()) {
      return null;
    }
    KeyStore store = empty();
    int number = 0;
    for (Certificate each : PemFiles.certificates(authority.get())) {
      store.setCertificateEntry("authority-" + number++, each);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }

  private static KeyStore empty() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static final class Fresh extends SSLContext {
    Fresh(TlsFiles files, List<String> servers) {
      super(new Spi(files, servers), new NoProvider(), "TLS");
    }
  }

  private static final class NoProvider extends Provider {
    private static final long serialVersionUID = 1L;

    NoProvider() {
      super("holdfast", "1", "TLS from files that may change");
    }
  }

  /** Of a context, the client library uses no more than the factory. */
  private static final class Spi extends SSLContextSpi {
    private final TlsFiles files;
    private final List<String> servers;

    Spi(TlsFiles files, List<String> servers) {
      this.files = files;
      this.servers = servers;
    }

    @Override
    protected void engineInit(KeyManager[] keys, TrustManager[] trust, SecureRandom random)
        throws KeyManagementException {
      throw new KeyManagementException("the files say it all");
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      return new Sockets(files, servers);
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      throw new UnsupportedOperationException("for clients");
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      throw new UnsupportedOperationException("for sockets");
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      throw new UnsupportedOperationException("for sockets");
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      return null;
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      return null;
    }
  }

  private static final class Sockets extends SSLSocketFactory {
    private final TlsFiles files;
    private final List<String> servers;

    Sockets(TlsFiles files, List<String> servers) {
      this.files = files;
      this.servers = servers;
    }

    @Override
    public Socket createSocket(Socket plain, String host, int port, boolean autoClose)
        throws IOException {
      String name = Set.copyOf(servers).contains(host) ? host : servers.getFirst();
      SSLSocket socket =
          (SSLSocket) files.load().getSocketFactory().createSocket(plain, name, port, autoClose);
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
      return socket;
    }

    @Override
    public String[] getDefaultCipherSuites() {
      return new String[0];
    }

    @Override
    public String[] getSupportedCipherSuites() {
      return new String[0];
    }

    @Override
    public Socket createSocket(String host, int port) {
      throw new UnsupportedOperationException("the connection is there before");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) {
      throw new UnsupportedOperationException("the connection is there before");
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
      throw new UnsupportedOperationException("the connection is there before");
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
      throw new UnsupportedOperationException("the connection is there before");
    }
  }
}
