import { QueryClientProvider } from '@tanstack/react-query';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { BrowserRouter, Link, Navigate, Route, Routes } from 'react-router';

import { Loading } from '../components/Told';
import { Frame } from './Frame';
import { lazily } from './lazily';
import { PAGES } from './pages';
import { queries, useWho } from './session';

const SignIn = lazily(() => import('./SignIn'));

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Doors />
    </QueryClientProvider>
  );
}

/** Nothing is asked of the service before it is known who asks. */
function Doors() {
  const who = useWho();
  if (who === undefined) return <Loading />;
  if (who === null) {
    return (
      <Suspense fallback={<Loading />}>
        <SignIn />
      </Suspense>
    );
  }
  return (
    <BrowserRouter>
      <Routes>
        <Route element={<Frame />}>
          <Route index element={<Navigate to={PAGES[0]!.path} replace />} />
          {PAGES.map(({ path, Body }) => (
            <Route key={path} path={path} element={<Body />} />
          ))}
          <Route path="*" element={<NotFound />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <div className="told">
      <h1 className="page-title">{t('app.notFound')}</h1>
      <Link to="/">{t('app.home')}</Link>
    </div>
  );
}
