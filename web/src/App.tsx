import Spinner from "@cloudscape-design/components/spinner";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import english from "@cloudscape-design/components/i18n/messages/all.en";
import korean from "@cloudscape-design/components/i18n/messages/all.ko";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Route, Routes } from "react-router";
import { AwsError } from "./api/http";
import { LiveProvider } from "./live/LiveProvider";
import { SessionProvider } from "./session/SessionProvider";
import { NotFound } from "./shell/NotFound";
import { PageBoundary } from "./shell/PageBoundary";
import { pages } from "./shell/pages";
import { Shell } from "./shell/Shell";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // A refusal stays one; only a server that is starting again is asked once more.
      retry: (count, error) => error instanceof AwsError && error.status === 0 && count < 20,
      retryDelay: 500,
    },
  },
});

const routes = pages.map((page) => ({ path: `/${page.path}`, Component: lazy(page.component) }));

export function App() {
  const { i18n } = useTranslation();
  useEffect(() => {
    document.documentElement.lang = i18n.language;
  }, [i18n.language]);
  return (
    <I18nProvider locale={i18n.language} messages={[english, korean]}>
      <QueryClientProvider client={queries}>
        <BrowserRouter basename="/console">
          <SessionProvider>
            <LiveProvider>
              <Shell>
                <PageBoundary>
                  <Suspense fallback={<Spinner size="large" />}>
                    <Routes>
                      {routes.map(({ path, Component }) => (
                        <Route key={path} path={path} element={<Component />} />
                      ))}
                      <Route path="*" element={<NotFound />} />
                    </Routes>
                  </Suspense>
                </PageBoundary>
              </Shell>
            </LiveProvider>
          </SessionProvider>
        </BrowserRouter>
      </QueryClientProvider>
    </I18nProvider>
  );
}
