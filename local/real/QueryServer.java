import java.util.Collections;
import org.apache.phoenix.queryserver.server.ServerCustomizersFactory;
import org.apache.phoenix.util.InstanceResolver;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** The Phoenix Query Server on loopback: by itself it listens on every address, and no setting changes that. */
public class QueryServer {
    public static void main(String[] args) throws Exception {
        // The first instance that is asked for is the one that the server finds.
        InstanceResolver.getSingleton(ServerCustomizersFactory.class, (conf, avatica) -> Collections.singletonList(server -> {
            for (Connector connector : ((Server) server).getConnectors()) ((ServerConnector) connector).setHost("127.0.0.1");
        }));
        org.apache.phoenix.queryserver.server.QueryServer.main(args);
    }
}
