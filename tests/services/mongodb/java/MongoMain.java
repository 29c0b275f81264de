import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import org.h2.mvstore.MVStore;

/**
 * MongoMain PORT [FILE]: mongo-java-server on 127.0.0.1, in memory or on an H2 MVStore file, made to behave like a
 * standalone mongod 4.4 where the library does not. Prints "ready URI" once it listens; port 0 is any free one.
 */
public class MongoMain {
  /** The library's newest built-in version says wire version 8; current drivers refuse below 9. */
  static final MongoVersion V44 = new MongoVersion() {
    public List<Integer> getVersionArray() { return List.of(4, 4, 0); }
    public int getWireVersion() { return 9; }
  };

  static class Backend extends H2Backend {
    private final MVStore store;

    Backend(MVStore store) {
      super(store);
      this.store = store;
    }

    @Override public Document handleMessage(MongoMessage message) {
      Document command = message.getDocument();
      if (command.containsKey("startTransaction")) return noTransactions();
      boolean hello = command.containsKey("hello");
      Document reply = super.handleMessage(hello ? asIsMaster(message) : message);
      if (hello || command.containsKey("isMaster") || command.containsKey("ismaster")) {
        reply.put("logicalSessionTimeoutMinutes", 30);
        reply.put("isWritablePrimary", true);
      }
      if (command.containsKey("insert")) countInserted(command, reply);
      // a journaled write is in the file before it is answered, so kill -9 loses none
      if (command.get("writeConcern") instanceof Document concern && Boolean.TRUE.equals(concern.get("j"))) store.commit();
      return reply;
    }

    private static Document noTransactions() {
      Document reply = new Document("ok", 0.0);
      reply.put("errmsg", "Transaction numbers are only allowed on a replica set member or mongos");
      reply.put("code", 20);
      reply.put("codeName", "IllegalOperation");
      return reply;
    }

    private static MongoMessage asIsMaster(MongoMessage message) {
      Document query = new Document("isMaster", 1);
      query.putAll(message.getDocument());
      return new MongoMessage(message.getChannel(), message.getHeader(), query);
    }

    /** The library counts the documents that failed, too. */
    private static void countInserted(Document command, Document reply) {
      if (!(reply.get("writeErrors") instanceof List<?> errors) || errors.isEmpty()) return;
      boolean ordered = !Boolean.FALSE.equals(command.get("ordered"));
      reply.put("n", ordered
          ? ((Document) errors.get(0)).get("index")
          : (Integer) (((Number) reply.get("n")).intValue() - errors.size()));
    }
  }

  public static void main(String[] args) throws Exception {
    MVStore store = new MVStore.Builder().fileName(args.length > 1 ? args[1] : null).open();
    store.setAutoCommitDelay(10); // ms; what kill -9 may lose of writes that are not journaled
    Backend backend = new Backend(store);
    backend.version(V44);
    MongoServer server = new MongoServer(backend);
    server.enableOplog(); // change streams
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    System.out.println("ready " + server.getConnectionString());
    Thread.currentThread().join();
  }
}
