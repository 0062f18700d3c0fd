import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.interceptor.api.IInterceptorService;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.MemoryBinaryStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.CrossOriginHandler;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * HAPI FHIR JPA server, R4, in memory, at http://127.0.0.1:PORT/fhir.
 *
 * <p>Words: {@code port=N} (0, a free one, by default), {@code page=N} (largest page, 200),
 * {@code reuse=off} (every search is answered anew; by default HAPI answers a repeated one for 60 s as
 * before), {@code cors=ORIGIN} (a page that may call from a browser; none by default). Prints
 * "READY base" when it answers, and ends when its standard input does.
 */
@Configuration
@Import({
    JpaR4Config.class, HapiJpaConfig.class, JpaBatch2Config.class, Batch2JobsConfig.class,
    SubscriptionChannelConfig.class, ThreadPoolFactoryConfig.class
})
public class HapiServer {

    /** What a server of HAPI's own starter project answers by default (its default_page_size). */
    private static final int PAGE = 20;

    @Bean
    public JpaStorageSettings storageSettings() {
        return new JpaStorageSettings();
    }

    @Bean
    public PartitionSettings partitionSettings() {
        return new PartitionSettings();
    }

    @Bean
    public SubscriptionSettings subscriptionSettings() {
        return new SubscriptionSettings();
    }

    @Bean
    public IBinaryStorageSvc binaryStorage() {
        return new MemoryBinaryStorageSvcImpl();
    }

    @Bean
    public DataSource dataSource() {
        BasicDataSource source = new BasicDataSource();
        source.setUrl("jdbc:h2:mem:fhir;DB_CLOSE_DELAY=-1");
        source.setMaxTotal(20);
        return source;
    }

    @Bean
    public LocalContainerEntityManagerFactoryBean entityManagerFactory(
            ConfigurableListableBeanFactory beans, FhirContext fhir, JpaStorageSettings settings, DataSource source) {
        LocalContainerEntityManagerFactoryBean factory =
                HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, settings);
        factory.setPersistenceUnitName("fhir");
        factory.setDataSource(source);
        factory.setJpaPropertyMap(Map.of(
                "hibernate.dialect", HapiFhirH2Dialect.class.getName(),
                "hibernate.hbm2ddl.auto", "create",
                "hibernate.search.enabled", "false"));
        return factory;
    }

    @Bean
    public JpaTransactionManager transactionManager(EntityManagerFactory factory) {
        return new JpaTransactionManager(factory);
    }

    public static void main(String[] args) throws Exception {
        endWithStandardInput();
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", System.getProperty("log", "error"));
        var words = Arrays.stream(args).map(word -> word.split("=", 2)).collect(Collectors.toMap(w -> w[0], w -> w[1]));
        var beans = new AnnotationConfigApplicationContext(HapiServer.class);
        if ("off".equals(words.get("reuse"))) {
            beans.getBean(JpaStorageSettings.class).setReuseCachedSearchResultsForMillis(null);
        }
        var servlet = new ServletContextHandler("/");
        servlet.addServlet(new ServletHolder(fhirServer(beans, number(words, "page", 200))), "/fhir/*");
        var jetty = new Server(new InetSocketAddress("127.0.0.1", number(words, "port", 0)));
        jetty.setHandler(words.containsKey("cors") ? open(servlet, words.get("cors")) : servlet);
        jetty.start();
        System.out.println("READY http://127.0.0.1:" + jetty.getURI().getPort() + "/fhir");
    }

    private static int number(Map<String, String> words, String name, int otherwise) {
        return Integer.parseInt(words.getOrDefault(name, String.valueOf(otherwise)));
    }

    private static RestfulServer fhirServer(ApplicationContext beans, int largestPage) {
        var rest = new RestfulServer(beans.getBean(FhirContext.class), beans.getBean(IInterceptorService.class));
        rest.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
        rest.registerProvider(beans.getBean(JpaSystemProvider.class));
        rest.setServerConformanceProvider(new JpaCapabilityStatementProvider(
                rest, beans.getBean(IFhirSystemDao.class), beans.getBean(JpaStorageSettings.class),
                beans.getBean(ISearchParamRegistry.class), beans.getBean(IValidationSupport.class)));
        var paging = beans.getBean(DatabaseBackedPagingProvider.class); // the server's own cap has no effect beside it
        paging.setDefaultPageSize(PAGE);
        paging.setMaximumPageSize(largestPage);
        rest.setPagingProvider(paging);
        return rest;
    }

    /** The servlet, for a page of another origin too. */
    private static Handler open(Handler servlet, String origin) {
        var cors = new CrossOriginHandler();
        cors.setAllowedOriginPatterns(Set.of(origin.replace(".", "\\.")));
        cors.setAllowedMethods(Set.of("GET", "HEAD", "POST", "PUT", "DELETE"));
        cors.setAllowedHeaders(Set.of("*"));
        cors.setExposedHeaders(Set.of("Content-Location", "ETag", "Location"));
        cors.setHandler(servlet);
        return cors;
    }

    /** Watches from the first moment: whoever started this server may be gone before it answers. */
    private static void endWithStandardInput() {
        var watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {}
            } catch (IOException gone) {
                // the same as its end
            }
            Runtime.getRuntime().halt(0); // all is in memory: there is nothing to save
        });
        watch.setDaemon(true);
        watch.start();
    }
}
