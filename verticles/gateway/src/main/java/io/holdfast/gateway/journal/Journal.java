package io.holdfast.gateway.journal;

import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import io.holdfast.events.EventJson;
import io.holdfast.gateway.domain.Entry;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ledger's file: JSON Lines, one {@link Entry} each, only ever appended to.
 *
 * <p>An entry counts as written once write(2) took it. It then belongs to the kernel and outlives
 * this process, kill -9 included, which is what tests do to it. It is not synced to the disk: only
 * a crash of the whole machine could lose it, no money hangs on it, and an fsync would add its
 * milliseconds to every charge that a test measures.
 *
 * <p>One thread writes; whatever waits meanwhile goes out together with the next write, so a lone
 * entry does not wait and many share the cost. Nothing here blocks its caller.
 */
public final class Journal {

  private static final Logger LOG = LoggerFactory.getLogger(Journal.class);

  /** More than can be in flight over HTTP; beyond it the disk does not keep up. */
  private static final int ROOM = 65_536;

  private static final int GROUP = 1_024;
  private static final int READ_BYTES = 1 << 16;

  /**
   * @param entry null to only wait for those before
   * @param context to answer on; null if the caller has none
   */
  private record Pending(Entry entry, Context context, Promise<Void> written) {

    void complete(IOException failure) {
      if (context == null) {
        settle(failure);
      } else {
        context.runOnContext(v -> settle(failure));
      }
    }

    private void settle(IOException failure) {
      if (failure == null) {
        written.tryComplete();
      } else {
        written.tryFail(failure);
      }
    }
  }

  private final FileChannel file;
  private final BlockingQueue<Pending> queue = new LinkedBlockingQueue<>();
  private final AtomicLong unwritten = new AtomicLong();
  private final ObjectWriter json = EventJson.mapper().writerFor(Entry.class);
  private final Pending last = new Pending(null, null, Promise.promise());
  private final Thread writer;
  private volatile IOException failure;

  private Journal(FileChannel file) {
    this.file = file;
    this.writer = Thread.ofPlatform().name("ledger").daemon().start(this::write);
  }

  /**
   * Opens the file, or begins it, and hands over what it holds. Blocks.
   *
   * <p>A last line that has no end was being written when the process was killed. Nobody was told
   * of what it says, so it is cut off. Any other line that cannot be read means that somebody else
   * wrote to the file, and no total that is drawn from it would be true.
   *
   * @throws LedgerFileException if it cannot be opened, is open elsewhere, or a line of it is not
   *     an entry
   */
  public static Journal open(Path path, Consumer<Entry> replay) throws LedgerFileException {
    FileChannel file = null;
    try {
      Path folder = path.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      file =
          FileChannel.open(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      lock(file, path);
      long end = replay(file, path, replay);
      long torn = file.size() - end;
      if (torn > 0) {
        LOG.atWarn()
            .addKeyValue("file", path)
            .addKeyValue("bytes", torn)
            .log("The ledger's last line was torn, cut off");
        file.truncate(end);
      }
      file.position(end);
      return new Journal(file);
    } catch (IOException e) {
      close(file);
      throw new LedgerFileException(path, "cannot be used: " + e, e);
    } catch (LedgerFileException e) {
      close(file);
      throw e;
    }
  }

  /** Whether another entry may be appended. */
  public boolean hasRoom() {
    return queue.size() < ROOM;
  }

  /**
   * Appends an entry. Of two calls the first one's entry comes first in the file.
   *
   * @return completes on the caller's context once it is written; fails if it could not be, after
   *     which nothing can
   */
  public Future<Void> append(Entry entry) {
    unwritten.incrementAndGet();
    return enqueue(entry);
  }

  /** Completes once all that was appended so far is written; at once if it is. */
  public Future<Void> written() {
    if (unwritten.get() == 0) {
      return failure == null ? Future.succeededFuture() : Future.failedFuture(failure);
    }
    return enqueue(null);
  }

  /** Writes what is left, then closes the file. Blocks. */
  public void close() throws InterruptedException {
    queue.add(last);
    writer.join();
  }

  private Future<Void> enqueue(Entry entry) {
    Pending pending = new Pending(entry, Vertx.currentContext(), Promise.promise());
    queue.add(pending);
    if (failure != null && queue.remove(pending)) { // the writer may be gone
      pending.complete(failure);
    }
    return pending.written().future();
  }

  private void write() {
    List<Pending> group = new ArrayList<>(GROUP);
    ByteArrayOutputStream lines = new ByteArrayOutputStream(READ_BYTES);
    boolean open = true;
    while (open) {
      group.clear();
      lines.reset();
      try {
        group.add(queue.take());
        queue.drainTo(group, GROUP - 1);
        open = !group.contains(last);
        append(group, lines);
      } catch (IOException e) {
        LOG.atError().setCause(e).log("The ledger cannot be written, nothing is answered any more");
        failure = e;
      } catch (InterruptedException e) {
        failure = new IOException("The ledger's writer was interrupted", e);
        open = false;
      }
      for (Pending pending : group) {
        if (pending.entry() != null) {
          unwritten.decrementAndGet();
        }
        pending.complete(failure);
      }
    }
    failure = failure == null ? new IOException("The ledger is closed") : failure;
    close(file);
    queue.forEach(late -> late.complete(failure));
  }

  private void append(List<Pending> group, ByteArrayOutputStream lines) throws IOException {
    if (failure != null) {
      return; // a line that was written in part must stay the last
    }
    for (Pending pending : group) {
      if (pending.entry() != null) {
        lines.write(json.writeValueAsBytes(pending.entry()));
        lines.write('\n');
      }
    }
    ByteBuffer bytes = ByteBuffer.wrap(lines.toByteArray());
    while (bytes.hasRemaining()) {
      file.write(bytes);
    }
  }

  private static void lock(FileChannel file, Path path) throws IOException, LedgerFileException {
    FileLock lock;
    try {
      lock = file.tryLock();
    } catch (OverlappingFileLockException e) {
      throw new LedgerFileException(path, "is in use by another gateway of this process", e);
    }
    if (lock == null) {
      throw new LedgerFileException(path, "is in use by another process", null);
    }
  }

  /** Returns where the last whole line ends. */
  private static long replay(FileChannel file, Path path, Consumer<Entry> replay)
      throws IOException, LedgerFileException {
    ObjectReader json =
        EventJson.mapper()
            .readerFor(Entry.class)
            .with(com.fasterxml.jackson.databind.DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    ByteBuffer chunk = ByteBuffer.allocate(READ_BYTES);
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    long end = 0;
    long number = 0;
    while (file.read(chunk.clear()) >= 0) {
      chunk.flip();
      while (chunk.hasRemaining()) {
        byte next = chunk.get();
        if (next != '\n') {
          line.write(next);
          continue;
        }
        number++;
        end += line.size() + 1L;
        replay.accept(read(json, line.toByteArray(), path, number));
        line.reset();
      }
    }
    return end;
  }

  private static Entry read(ObjectReader json, byte[] line, Path path, long number)
      throws LedgerFileException {
    Entry entry = null;
    Exception cause = null;
    try {
      entry = json.readValue(line);
    } catch (IOException | RuntimeException e) {
      cause = e;
    }
    if (entry == null || (entry.intent() == null && entry.error() == null)) {
      throw new LedgerFileException(
          path,
          "line " + number + " is not an entry of a ledger; mend the file, or move it away",
          cause);
    }
    return entry;
  }

  private static void close(FileChannel file) {
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        LOG.atWarn().setCause(e).log("The ledger's file could not be closed");
      }
    }
  }
}
